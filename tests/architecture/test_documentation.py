"""What the documentation tells people to type can be typed."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from gradectl.cli import gradectl
from gradectl.validation.catalogue import CHECKS

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "environments/README.md",
    "docs/runbook.md",
    "docs/upgrading.md",
    "docs/validate.md",
    "CONTRIBUTING.md",
)
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)
LINE = re.compile(r"^ *gradectl ([a-z][^#\n]*)", re.MULTILINE)
MENTION = re.compile(r"`gradectl ([a-z][^`]*)`")


def commands() -> list[str]:
    """All command lines of the pages, without comments."""
    text = "\n".join((ROOT / page).read_text() for page in PAGES)
    lines = [line for block in BLOCK.findall(text) for line in LINE.findall(block)]
    return sorted({line.strip() for line in [*lines, *MENTION.findall(text)]})


def understand(words: list[str]) -> None:
    """Parse a line as gradectl does, and run nothing."""
    command: click.Command = gradectl
    context = click.Context(gradectl, info_name="gradectl")
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found, f"no command {words[0]!r}"
        command, words = found, words[1:]
    if words:  # without them a sentence only mentions the command
        command.make_context(command.name, words, parent=context)


def test_there_are_commands_to_check() -> None:
    """A pattern that matches nothing would hold nothing."""
    assert len(commands()) > 10


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_documentation_is_one(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its words and options exist, and so do the example files that it names."""
    monkeypatch.chdir(ROOT)
    words = shlex.split(line)

    understand(words)

    assert not [word for word in words if word.startswith("examples/") and not Path(word).exists()]


def test_the_page_about_validate_has_its_checks_in_their_order() -> None:
    """With the words that the command itself uses."""
    text = (ROOT / "docs" / "validate.md").read_text()
    rows = re.findall(r"^\| `([\w-]+)` \| ([A-Zc].*) \|$", text, re.MULTILINE)

    expected = [(check.name, check.purpose) for check in CHECKS]

    assert [row for row in rows if row[0] in dict(expected)] == expected
