"""Logs get one line per event; terminals show the running operations."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gradectl.adapters.terraform.events import Diagnostic, Note, ResourceProgress
from gradectl.deploy.progress import TerraformProgress
from gradectl.ui import Ui


class Screen:
    """The lines of a fake terminal."""

    def __init__(self) -> None:
        """Start with no lines."""
        self.lines: list[str] = []

    def __call__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)


def started(address: str) -> ResourceProgress:
    return ResourceProgress("start", address, "create", 0)


def test_running_operations_are_shown_until_they_finish(capsys: pytest.CaptureFixture[str]) -> None:
    """Finished operations are printed and stay."""
    screen = Screen()
    progress = TerraformProgress(Ui("table", {}), screen)

    progress(started("aws_vpc.a"))
    progress(ResourceProgress("progress", "aws_vpc.a", "create", 10))
    assert screen.lines == ["  creating aws_vpc.a (10 s)"]

    progress(ResourceProgress("complete", "aws_vpc.a", "create", 12))
    assert screen.lines == []
    assert "created aws_vpc.a (12 s)" in capsys.readouterr().err


def test_the_number_of_shown_operations_is_limited() -> None:
    """The oldest are shown, the others are counted."""
    screen = Screen()
    progress = TerraformProgress(Ui("table", {}), screen)
    for number in range(20):
        progress(started(f"aws_vpc.a{number}"))

    assert len(screen.lines) == 13
    assert screen.lines[-1] == "  and 8 more"


def test_a_failure_stands_out(capsys: pytest.CaptureFixture[str]) -> None:
    """The resource is named when it fails, not only at the end."""
    progress = TerraformProgress(Ui("table", {}), Screen())
    progress(ResourceProgress("errored", "aws_vpc.a", "create", 3))
    progress(Diagnostic("warning", "Deprecated", "", "main.tf:3"))

    assert capsys.readouterr().err.splitlines() == [
        "  failed aws_vpc.a (3 s)",
        "warning: Deprecated (main.tf:3)",
    ]


def test_a_log_is_not_flooded_while_planning(capsys: pytest.CaptureFixture[str]) -> None:
    """Terraform prints one line per refreshed resource; gradectl prints one for many."""
    progress = TerraformProgress(Ui("table", {}), Screen())
    for number in range(60):
        progress(Note(f"aws_vpc.a{number}: Refresh complete", "refresh_complete"))

    assert capsys.readouterr().err.splitlines() == [
        "  refreshed 25 resources",
        "  refreshed 50 resources",
    ]


def test_output_that_is_not_json_is_printed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Output of a crash is printed."""
    TerraformProgress(Ui("table", {}), Screen())(Note("panic: oh no"))

    assert "panic: oh no" in capsys.readouterr().err
