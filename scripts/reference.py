"""
Writes all generated documentation.

`python scripts/reference.py` writes the command line reference, the table of languages, the answers
to system calls, the reference tables of the Terraform modules and the root, the tables of monthly
costs, and the JSON Schemas of the messages. With `--check` it writes nothing, and exits with 4 when
a file is out of date. With `--print` it writes nothing, and prints the files that are out of date
as JSON: path to text.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import call_reference
import cli_reference
import language_reference
import month_tables
import terraform_reference
import transport_months

from gradectl.errors import ExitCode
from gradectl.planning.price_file import read_prices
from grader.contract.schemas import schemas

TOP = Path(__file__).resolve().parents[1]


def generated(top: Path) -> dict[Path, str]:
    """Return the text that each generated file must have, by path below the repository."""
    published = {top / "docs/schemas" / name: text for name, text in schemas().items()}
    return {
        top / "docs/cli.md": cli_reference.page(),
        top / "docs/system-calls.md": call_reference.page(),
        top / "docs/languages.md": language_reference.page(read(top / "docs/languages.md")),
        **with_months(top, terraform_reference.pages(top)),
        **published,
    }


def with_months(top: Path, pages: dict[Path, str]) -> dict[Path, str]:
    """Return pages with their current tables of monthly costs, and all others that have one."""
    others = [*(top / "docs").glob("*.md"), *(top / "examples").glob("*/README.md")]
    texts = {**{path: read(path) for path in others}, **pages}
    prices = read_prices(top)
    return {
        path: transport_months.page(
            month_tables.page(text, read(path.with_name("main.tf")), prices), prices
        )
        for path, text in texts.items()
        if path in pages or month_tables.BEGIN in text or transport_months.BEGIN in text
    }


def read(path: Path) -> str:
    """Return the text of a file; empty where there is none."""
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def main(arguments: list[str], top: Path = TOP) -> int:
    """
    Write the files that are out of date, or only list them.

    Args:
        arguments: `--check`, `--print` or nothing.
        top: Root of the repository.

    Returns:
        The exit code.
    """
    stale = {path: text for path, text in generated(top).items() if read(path) != text}
    if arguments == ["--check"]:
        if stale:
            names = ", ".join(str(path.relative_to(top)) for path in stale)
            sys.stderr.write(f"{names}: out of date; next: make docs\n")
        return ExitCode.CHECK_FAILED if stale else ExitCode.OK
    if arguments == ["--print"]:
        json.dump({str(path.relative_to(top)): text for path, text in stale.items()}, sys.stdout)
        return ExitCode.OK
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return ExitCode.OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
