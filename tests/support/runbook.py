"""
The commands of docs/runbook.md, and what the page shows of their output.

Tests run every command of an `sh` block; `NAMED` has the others. A `text` block that begins with
`$ COMMAND` is an excerpt of the output of a command of the same section.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from gradectl.cli import gradectl

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "runbook.md"
#: Commands that the tests of the page do not run: the file that runs it, or why none can.
NAMED = {
    "apply": "tests/integration/cli/test_cli_deploy.py",
    "broker-users sync": "tests/integration/local/test_secrets.py",
    "db migrate": "tests/integration/local/test_secrets.py",
    "deploy": "tests/integration/cli/test_cli_deploy.py",
    "destroy": "tests/integration/cli/test_cli_deploy.py",
    "drift": "tests/integration/cli/test_cli_deploy.py",
    "exec": "ECS Exec exists only on AWS, and needs the Session Manager plugin",
    "function push": "tests/integration/operating/submitting/test_function_commands.py",
    "import": "tests/integration/cli/test_import.py",
    "problem verify": "tests/integration/test_problem_verify.py",
    "queue delete": "tests/integration/operating/test_queue_repair.py",
    "queue export": "tests/integration/operating/test_queue_repair.py",
    "queue import": "tests/integration/operating/test_queue_repair.py",
    "queue move": "tests/integration/operating/test_queue_repair.py",
    "queue purge": "tests/integration/operating/test_queue_repair.py",
    "queue tail": "tests/integration/operating/test_queue_repair.py",
    "recover": "tests/integration/cli/test_interruptions.py",
    "rejudge start": "tests/integration/operating/test_rejudge.py",
    "rollback": "tests/unit/gradectl/commands/test_rollback.py",
    "secrets rotate": "tests/integration/local/test_secrets.py",
    "secrets seed": "tests/integration/cli/test_secrets.py",
    "submit": "tests/integration/operating/submitting/test_submit_commands.py",
    "transport switch": "tests/integration/cli/test_transport_switch.py",
    "webhook resend": "tests/integration/operating/test_queue_repair.py",
    "webhook test": "tests/unit/gradectl/commands/test_webhook_test.py",
}
#: Lines that they do not run, of commands that they do: where such a line is run.
NAMED_LINES = {
    "gradectl logs ENV --service api": "tests/unit/gradectl/commands/test_logs.py",
    "gradectl smoke ENV --every 5m --until 18:00": (
        "tests/integration/operating/submitting/test_smoke_commands.py"
    ),
}
_HEADING = re.compile(r"^##+ (.*)$")
_FENCE = re.compile(r"^\s*```(\w*)$")
_SPAN = re.compile(r"`(gradectl [^`]+)`", re.DOTALL)
#: What differs from run to run.
_VARYING = (
    (re.compile(r"\bID:[\w.:-]+"), "<message id>"),
    (re.compile(r"\breq_\w+"), "<request id>"),
    (re.compile(r"\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}( UTC|Z)"), "<time>"),
    (re.compile(r"\b\d+(ms| ms|s|m|h|d)\b( \d+(s|m|h)\b)?"), "<span>"),
    (re.compile(r"\bworker [\w.-]+"), "worker <name>"),
)
_CUT = "..."


@dataclass(frozen=True)
class Section:
    """A section with commands: its title, their lines, and the excerpts by command."""

    title: str
    commands: tuple[str, ...]
    excerpts: Mapping[str, tuple[str, ...]]

    @property
    def runnable(self) -> tuple[str, ...]:
        """The commands that the tests of the page run."""
        return tuple(
            each for each in self.commands if verb(each) not in NAMED and each not in NAMED_LINES
        )


def sections(text: str) -> list[Section]:
    """
    Read the sections of a page that have commands.

    Raises:
        ValueError: An excerpt has no command in its section.
    """
    return [each for title, body in _parts(text) if (each := _section(title, body)).commands]


def verbs(text: str) -> set[str]:
    """Read the verbs of all commands of a page, in blocks and in the text."""
    lines = [line for each in sections(text) for line in each.commands]
    return {verb(line) for line in (*lines, *_SPAN.findall(text))} - {""}


def verb(line: str) -> str:
    """Return the words that choose a command, such as `queue list`; nothing for a mere group."""
    found: list[str] = []
    group: click.Command = gradectl
    for word in line.split()[1:]:
        if not isinstance(group, click.Group):
            break
        context = click.Context(group)
        inner = group.get_command(context, word)
        if inner is None:
            break
        found.append(word)
        group = inner
    return "" if isinstance(group, click.Group) else " ".join(found)


def words(line: str, names: Mapping[str, str]) -> list[str]:
    """Return the arguments of a command line, with values for its placeholders."""
    return [names.get(word, word) for word in shlex.split(line, comments=True)[1:]]


def missing(excerpt: tuple[str, ...], printed: str, environment: str) -> list[str]:
    """
    Return the lines of an excerpt that were not printed in this order.

    Ids, times and durations may differ. `...` stands for any lines, or for the end of a line.
    """
    actual = [_plain(line.replace(environment, "ENV")) for line in printed.splitlines()]
    lost = []
    for line in map(_plain, excerpt):
        if line in ("", _CUT):
            continue
        found = [at for at, text in enumerate(actual) if _is_shown(line, text)]
        if found:
            actual = actual[found[0] + 1 :]
        else:
            lost.append(line)
    return lost


def _is_shown(line: str, text: str) -> bool:
    """Whether a line of an excerpt stands for a printed one."""
    return text == line or (line.endswith(_CUT) and text.startswith(line.removesuffix(_CUT)))


def _plain(line: str) -> str:
    """Replace what differs from run to run, and the widths of columns."""
    for pattern, name in _VARYING:
        line = pattern.sub(name, line)
    return re.sub(r"[\s─]+", " ", line).strip()


def _parts(text: str) -> Iterator[tuple[str, list[str]]]:
    """Split a page at its headings."""
    title, body = "", list[str]()
    for line in text.splitlines():
        if heading := _HEADING.match(line):
            yield title, body
            title, body = heading[1], []
        else:
            body.append(line)
    yield title, body


def _section(title: str, body: list[str]) -> Section:
    """Read one section."""
    commands: list[str] = []
    excerpts: dict[str, tuple[str, ...]] = {}
    for language, block in _blocks(body):
        if language == "sh":
            lines = (line.partition("#")[0].strip() for line in block)
            commands += [line for line in lines if line.startswith("gradectl ")]
        elif language == "text" and block[0].startswith("$ "):
            command = block[0].removeprefix("$ ")
            if command not in commands:
                raise ValueError(f"{title}: no command above this excerpt: {command}")
            excerpts[command] = tuple(block[1:])
    return Section(title, tuple(dict.fromkeys(commands)), excerpts)


def _blocks(body: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the code blocks of a section with their languages."""
    language: str | None = None
    block: list[str] = []
    for line in body:
        if fence := _FENCE.match(line):
            if language is not None:
                yield language, block
            language, block = (fence[1], []) if language is None else (None, [])
        elif language is not None:
            block.append(line.strip())
