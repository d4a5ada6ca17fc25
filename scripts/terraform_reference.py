"""
Writes the reference of the Terraform modules and of the root from their own files.

`python scripts/terraform_reference.py` writes the tables of modules/*/README.md and of
environments/README.md, and docs/module-tests.md; with names of modules only the tables of these.
With `--check` it only looks, and ends with 4 when one is out of date.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml
from terraform_coverage import Coverage, page_of_tests
from terraform_modules import Sources
from terraform_tables import module_reference, page, root_reference

TOP = Path(__file__).resolve().parents[1]
_CHECK_FAILED = 4
_LONGEST = 160
_TESTS_PAGE = "docs/module-tests.md"


def written(top: Path) -> dict[Path, str]:
    """
    Work out what each generated page must say.

    Args:
        top: The repository.
    """
    found: dict[Path, str] = {}
    folders = sorted(path.parent for path in (top / "modules").glob("*/README.md"))
    for folder in folders:
        path = folder / "README.md"
        found[path] = page(_text(path), module_reference(Sources.of(folder)))
    root = top / "environments"
    readme = root / "README.md"
    found[readme] = page(_text(readme), root_reference(Sources.of(root)))
    tests = top / "tests" / "terraform"
    modules = {folder.name: Coverage.of(folder, folder / "tests") for folder in folders}
    found[top / _TESTS_PAGE] = page_of_tests(modules, _flips(tests), _refusals(tests))
    return found


def _flips(tests: Path) -> dict[str, list[str]]:
    """Read where the effect of each variable of the root is seen."""
    found: dict[str, list[str]] = {}
    for path in sorted(tests.glob("flips/*.yaml")):
        for variable, rows in yaml.safe_load(path.read_text("utf-8")).items():
            for row in rows if isinstance(rows, list) else [rows]:
                places = (" ".join(place.split()) for place in row["shows"])
                found.setdefault(variable, []).extend(places)
    return {variable: list(dict.fromkeys(places)) for variable, places in found.items()}


def _refusals(tests: Path) -> list[tuple[str, str]]:
    """Read which values of the root are refused, and with which words."""
    path = tests / "refusals.yaml"
    groups = yaml.safe_load(path.read_text("utf-8")) if path.is_file() else {}
    rows = [row for group in groups.values() for row in group]
    return [(_values(row["set"]), row["says"]) for row in rows]


def _values(given: Mapping[str, object]) -> str:
    """Write values on one line, and long ones only in part."""
    text = ", ".join(f"{name} = {json.dumps(value)}" for name, value in given.items())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def main(arguments: list[str], top: Path = TOP) -> int:
    """
    Write the pages, or look whether they are fresh.

    Args:
        arguments: `--check`, or names of modules, or nothing.
        top: The repository.
    """
    old = [(path, text) for path, text in written(top).items() if _text(path) != text]
    names = [word for word in arguments if not word.startswith("-")]
    old = [(path, text) for path, text in old if not names or path.parent.name in names]
    if "--check" in arguments:
        if old:
            stale = ", ".join(str(path.relative_to(top)) for path, _ in old)
            sys.stderr.write(f"{stale}: out of date; next: make docs\n")
        return _CHECK_FAILED if old else 0
    for path, text in old:
        path.write_text(text, encoding="utf-8")
    return 0


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.is_file() else ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
