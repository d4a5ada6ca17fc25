"""Generates the table of docs/languages.md from the supported languages."""

from __future__ import annotations

from grader.commands.languages import shown
from grader.languages import LANGUAGES, Language

_BEGIN = "<!-- written by make docs -->\n"
_END = "<!-- end -->\n"


def table() -> str:
    """Render a row per language, and below the commands that compile and run its programs."""
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
    """Replace the table in the text of the page."""
    before, _, rest = text.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{table()}\n{_END}{after}"
