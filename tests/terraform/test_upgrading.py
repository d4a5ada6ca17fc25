"""The upgrade notes name variables that are gone and variables that are there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from terraform_modules import Sources

ROOT = Path(__file__).resolve().parents[2]
NOTES = ROOT / "docs" / "upgrading.md"
#: A cell that is nothing but the name of a variable, or a value given to one.
NAME = re.compile(r"`([a-z_]+)(?:[.\[][^`]*)?(?: = [^`]*)?`")


def renamed() -> Iterator[tuple[str, str, str]]:
    """Module, former and present variable of each row of the newest version's changes."""
    newest = NOTES.read_text().split("\n## ")[1]
    module = ""
    for line in newest.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        module = cells[0].strip("|` ") or module
        names = [NAME.fullmatch(cell) for cell in cells[1:]]
        if line.startswith("|") and len(names) == 2 and all(names):
            before, now = (match.group(1) for match in names if match)
            if (ROOT / "modules" / module).is_dir() and not before.startswith("aws"):
                yield module, before, now


RENAMED = list(renamed())


def test_there_are_changes_to_check() -> None:
    """A pattern that matches nothing would hold nothing."""
    assert ("messaging", "redelivery", "queue_policies") in RENAMED


@pytest.mark.parametrize(("module", "before", "now"), RENAMED)
def test_what_was_renamed_is_gone_and_what_it_is_now_is_there(
    module: str, before: str, now: str
) -> None:
    """Whoever follows the notes gets a plan."""
    names = {variable.name for variable in Sources.of(ROOT / "modules" / module).variables}

    assert now in names
    assert before not in names
