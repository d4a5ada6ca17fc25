"""The execution log."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grader.judge.execution_log import ExecutionLog
from grader.text import printable, printable_name


@given(st.text())
def test_no_control_character_reaches_a_terminal(text: str) -> None:
    """A program cannot move the cursor, change colours or ring a bell in an operator's shell."""
    log = ExecutionLog()
    log.add(text, indent="> ")

    shown = log.to_bytes().decode()
    assert all(char.isprintable() or char in "\n\t" for char in shown)
    assert len(printable(text)) == len(text)


def test_a_flood_is_cut() -> None:
    """However much is said, the log stays small."""
    log = ExecutionLog()
    log.add("x" * 10_000_000)
    log.add("more")

    assert log.to_bytes().endswith(b"... (cut)\n")
    assert len(log.to_bytes()) < 300_000


def test_lines_are_kept_in_order() -> None:
    """Each line of what is added gets the indent."""
    log = ExecutionLog()
    log.add("one\ntwo", indent="  ")
    log.add("three")

    assert log.to_bytes() == b"  one\n  two\nthree\n"


@given(st.text())
def test_a_name_is_shown_on_one_line(name: str) -> None:
    """The name of an object cannot forge a line of the log."""
    shown = printable_name(name)

    assert shown.isprintable()
    assert len(shown.splitlines()) <= 1
    assert len(shown) == len(name)
