"""Generates the tables of modules/*/README.md and environments/README.md from the .tf files."""

from __future__ import annotations

from pathlib import Path

from terraform_modules import Sources
from terraform_tables import module_reference, page, root_reference


def pages(top: Path) -> dict[Path, str]:
    """
    Return the README of each module and of the root with its current tables.

    Args:
        top: Root of the repository.
    """
    found: dict[Path, str] = {}
    for readme in sorted((top / "modules").glob("*/README.md")):
        found[readme] = page(readme.read_text("utf-8"), module_reference(Sources.of(readme.parent)))
    readme = top / "environments" / "README.md"
    text = readme.read_text("utf-8") if readme.is_file() else ""
    return {**found, readme: page(text, root_reference(Sources.of(readme.parent)))}
