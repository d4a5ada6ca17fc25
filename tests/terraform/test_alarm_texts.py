"""What the alarms tell the person on call can be done: the commands and the pages are there."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from gradectl.cli import gradectl

ROOT = Path(__file__).resolve().parents[2]
ALARMS = [
    path
    for path in sorted((ROOT / "modules" / "monitoring").glob("*.tf"))
    if "Next: " in path.read_text()
]
#: `Next: gradectl queue list -e ${...}; docs/runbook.md, A heading.`
NEXT = re.compile(r"Next: (gradectl [^;]+); docs/runbook\.md, ([^\"]+)\.\"")


def next_steps() -> list[tuple[str, str]]:
    """Each command that an alarm names, with the heading in the runbook."""
    return [(found[1], found[2]) for path in ALARMS for found in NEXT.finditer(path.read_text())]


def test_there_are_next_steps_for_every_part() -> None:
    """A text that has lost its form would not be looked at by the tests below."""
    texts = "".join(path.read_text() for path in ALARMS)

    assert len(next_steps()) == texts.count("Next: ")
    assert {path.stem for path in ALARMS} == {"api", "broker", "database", "queues", "workers"}


@pytest.mark.parametrize(("command", "heading"), next_steps())
def test_the_runbook_has_the_page(command: str, heading: str) -> None:
    """Somebody is woken up and looks for the heading that the alarm names."""
    headings = re.findall(
        r"^## (.+)$", (ROOT / "docs" / "runbook.md").read_text(), flags=re.MULTILINE
    )

    assert heading in [found.replace("`", "") for found in headings], command


@pytest.mark.parametrize(("command", "heading"), next_steps())
def test_the_command_line_is_one_of_gradectl(command: str, heading: str) -> None:
    """The command can be pasted: its verbs and options exist."""
    found: click.Command | None = gradectl
    words = command.split()[1:]
    context = click.Context(gradectl)
    while isinstance(found, click.Group):
        found = found.get_command(context, words.pop(0))

    assert found, heading
    options = {name for parameter in found.params for name in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= options, heading
