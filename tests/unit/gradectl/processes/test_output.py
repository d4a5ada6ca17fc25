"""Error messages contain the end of a program's output."""

from __future__ import annotations

from gradectl.processes.output import tail


def test_short_output_is_complete() -> None:
    """Without blank lines around it."""
    assert tail("\nfirst\nsecond\n\n") == "first\nsecond"


def test_long_output_is_cut_at_the_start() -> None:
    """By lines, and by characters for a program that prints one endless line."""
    assert tail("\n".join(map(str, range(100)))).splitlines() == [str(n) for n in range(80, 100)]
    assert tail("x" * 5000 + "end") == "x" * 1997 + "end"


def test_frames_of_java_traces_are_omitted() -> None:
    """They would hide the message."""
    trace = "IOException: disk full\n\tat java.io.File.write\n\t... 12 more\nexiting"

    assert tail(trace) == "IOException: disk full\nexiting"
