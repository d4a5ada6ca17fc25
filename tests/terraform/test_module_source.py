"""A module can be used from git as the examples write it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from example_folders import declaration, examples, undeclared

ROOT = Path(__file__).resolve().parents[2]
HOST = "https://git.example.com/platform/gradectl.git"
_WRITTEN = ("*.md", "docs/*.md", "*/README.md", "*/*/README.md", "examples/*/*.tf")
PAGES = sorted({path for pattern in _WRITTEN for path in ROOT.glob(pattern)})
MODULES = sorted(path.parent.name for path in (ROOT / "modules").glob("*/variables.tf"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_sources_leave_the_version_to_the_reader(page: Path) -> None:
    """An example that names a tag would be wrong until that tag exists, and old after the next."""
    named = re.findall(rf"{re.escape(HOST)}\S*?\?ref=([^\"\s`|]+)", page.read_text())

    assert set(named) <= {"COMMIT"}


def readme(module: str) -> str:
    """The README of a module."""
    return (ROOT / "modules" / module / "README.md").read_text()


@pytest.mark.engine
def test_the_first_examples_work_from_git_as_they_are_written(
    terraform_folder: Callable[..., Any],
    from_git: Mapping[str, str],
    served_provider: Mapping[str, str],
) -> None:
    """One root calls all modules; git resolves the host to a local repository."""
    first = [examples(name, readme(name))[0] for name in MODULES]
    given = {declaration(name, example) for example in first for name in undeclared(example)}
    text = "\n".join([*(example.text for example in first), *sorted(given)])
    folder = terraform_folder("by-git", {"main.tf": text}).within(**from_git)

    folder.run("init", "-no-color", "-input=false")

    assert "valid" in folder.within(**served_provider).run("validate", "-no-color")
    fetched = Path(folder.environ["TF_DATA_DIR"]) / "modules"
    assert {path.parent.name for path in fetched.glob("*/modules/*/variables.tf")} == set(MODULES)
