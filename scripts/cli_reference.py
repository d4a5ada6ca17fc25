"""
Writes docs/cli.md from the commands themselves.

`python scripts/cli_reference.py` writes it; with `--check` it only looks, and ends with 4 when the
file is out of date.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from gradectl.cli import gradectl
from gradectl.errors import ExitCode
from gradectl.options import Command, Group

TARGET = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
HEAD = """# The command line

Written by `make docs` from the commands themselves; a test holds it true.

Data goes to stdout, talk to stderr. `--output json` gives every command's data as one document with
`schema_version` and `kind`. A flag wins over its variable `GRADECTL_<FLAG>`, which wins over
`environment.yaml`.
"""
MEANINGS = {
    ExitCode.OK: "done",
    ExitCode.ERROR: "failed; the error says where, what and what to do next",
    ExitCode.CHANGES: "there are changes (only with `--detailed-exitcode`)",
    ExitCode.PARTLY_DONE: "partly done (operations on many messages)",
    ExitCode.CHECK_FAILED: "a check found something",
    ExitCode.REFUSED: "refused by a safety gate; nothing was changed",
    ExitCode.USAGE: "the command line makes no sense",
    ExitCode.UNREACHABLE: "a service does not answer",
    ExitCode.TRY_AGAIN: "busy: the state is locked, a call was throttled, a port is taken",
    ExitCode.NO_PERMISSION: "no credentials, or they do not allow it",
    ExitCode.CONFIGURATION: "a file, a setting or an installed program is not as it must be",
    ExitCode.TIMEOUT: "the time of `--timeout` is over",
    ExitCode.INTERRUPTED: "stopped by Ctrl-C",
    ExitCode.TERMINATED: "stopped by SIGTERM",
}


def reference() -> str:
    """Write the whole page."""
    context = click.Context(gradectl, info_name="gradectl")
    parts = [HEAD, "## Global options\n", "Before or after the name of the command.\n"]
    parts.append(_options(gradectl.shared, context))
    for path, command, inner in _walk(gradectl, context, "gradectl"):
        parts.append(_command(path, command, inner))
    parts.append("## Exit codes\n")
    rows = [f"| {code.value} | {MEANINGS[code]} |" for code in ExitCode]
    parts.append("\n".join(["| code | meaning |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _walk(
    group: click.Group, context: click.Context, path: str
) -> Iterator[tuple[str, Command | Group, click.Context]]:
    """Visit all commands, groups before what is in them."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if not isinstance(command, Command | Group):
            text = f"{path} {name} is not made with gradectl.options"
            raise TypeError(text)
        inner = click.Context(command, info_name=name, parent=context)
        yield f"{path} {name}", command, inner
        if isinstance(command, Group):
            yield from _walk(command, inner, f"{path} {name}")


def _command(path: str, command: Command | Group, context: click.Context) -> str:
    """Write one command."""
    usage = " ".join([path, *command.collect_usage_pieces(context)])
    lines = [f"## {path}\n", inspect.cleandoc(command.help or "") + "\n", f"```\n{usage}\n```\n"]
    own = [param for param in command.params if param not in command.shared]
    options = _options(own, context)
    if options:
        lines.append(options)
    if command.epilog:
        lines.append(f"Example: `{command.epilog.removeprefix('Example: ')}`\n")
    return "\n".join(lines)


def _options(params: list[click.Parameter], context: click.Context) -> str:
    """Write a table of options; arguments are in the usage."""
    records = [record for param in params if (record := param.get_help_record(context))]
    if not records:
        return ""
    rows = [f"| `{_cell(flags)}` | {_cell(text)} |" for flags, text in records]
    table = ["| option | |", "|---|---|", *rows]
    return "\n".join(table) + "\n"


def _cell(text: str) -> str:
    """Keep a text within its cell of a table."""
    return " ".join(text.split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write the page, or look whether it is fresh."""
    text = reference()
    if arguments == ["--check"]:
        fresh = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text
        if not fresh:
            sys.stderr.write(f"{TARGET.name} is out of date; next: make docs\n")
        return 0 if fresh else ExitCode.CHECK_FAILED
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
