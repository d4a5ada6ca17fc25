"""Output of DMOJ's command line as verdicts."""

from __future__ import annotations

import pytest
from dmoj import read_verdicts
from rival import UnavailableError


def test_each_case_gets_its_verdict() -> None:
    """A signal (RTE) and an exit code (IR) are one verdict here."""
    lines = [
        "dmoj> Start grading sum/1 in C11...\n",
        "Test case  1 AC [0.005s (0.006s wall) | 1640kb | 16 switches (1 involuntary)] \n",
        "Test case  2 RTE [0.005s (0.006s wall) | 1640kb] (aborted) {WA}\n",
        "Test case 10 IR [0.005s (0.006s wall) | 1640kb] {WA}\n",
        "Done grading sum/1.\n",
        "\n",
    ]

    assert list(read_verdicts(lines)) == ["AC", "RE", "RE"]


def test_a_source_that_does_not_compile_is_one_verdict() -> None:
    """No case was run."""
    lines = ["Failed compiling submission!\n", "sum.cpp: error\n", "Done grading sum/1.\n"]

    assert list(read_verdicts(lines)) == ["CE"]


def test_it_reads_no_further_than_one_submission() -> None:
    """The following output belongs to the next submission and may not exist yet."""
    lines = iter(["Done grading sum/1.\n", "the next\n"])

    assert list(read_verdicts(lines)) == []
    assert next(lines) == "the next\n"


def test_an_unknown_language_makes_it_unavailable() -> None:
    """DMOJ prints one line and waits for the next command, so waiting would block."""
    with pytest.raises(UnavailableError, match="unknown language 'C11'"):
        list(read_verdicts(["dmoj> unknown language 'C11'\n"]))


def test_the_end_of_its_output_makes_it_unavailable() -> None:
    """A judge that exited has no verdicts."""
    with pytest.raises(UnavailableError, match="without a verdict"):
        list(read_verdicts(["Test case  1 AC\n"]))
