"""
Writes the table of docs/languages.md from the languages themselves.

`python scripts/language_reference.py` writes it; with `--check` it only looks, and ends with 4 when
the file is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

from grader.commands.languages import shown
from grader.languages import LANGUAGES, Language

TARGET = Path(__file__).resolve().parents[1] / "docs" / "languages.md"
_BEGIN = "<!-- written by make docs -->\n"
_END = "<!-- end -->\n"
_CHECK_FAILED = 4


def table() -> str:
    """Write a row for each language, and how its programs are compiled and run below."""
    head = "| name | also called | language | source file | least memory |\n|---|---|---|---|---|\n"
    rows = "".join(map(_row, LANGUAGES))
    commands = "\n".join(line for one in LANGUAGES for line in _commands(one))
    return f"{head}{rows}\n```\n{commands}\n```\n"


def _row(language: Language) -> str:
    aliases = ", ".join(f"`{alias}`" for alias in language.aliases)
    cells = (
        f"`{language.name}`",
        aliases,
        language.title,
        f"`{language.source_name}`",
        f"{language.least_memory_mb} MB",
    )
    return f"| {' | '.join(cells)} |\n"


def _commands(language: Language) -> list[str]:
    name = f"{language.name:<11}"
    lines = [f"{name} compile  {shown(language.compile_argv)}"] if language.compile_argv else []
    return [*lines, f"{name} run      {shown(language.run_argv)}"]


def page(text: str) -> str:
    """Put the table where the page has it."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"


def main(arguments: list[str]) -> int:
    """Write the page, or look whether it is fresh."""
    old = TARGET.read_text(encoding="utf-8")
    new = page(old)
    if arguments == ["--check"]:
        if new != old:
            sys.stderr.write(f"{TARGET.name} is out of date; next: make docs\n")
        return 0 if new == old else _CHECK_FAILED
    TARGET.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
