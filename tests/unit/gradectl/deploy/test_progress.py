"""A log has a line an event; a terminal shows what is under way."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from gradectl.adapters.terraform.events import Diagnostic, Note, ResourceProgress
from gradectl.deploy.progress import TerraformProgress
from gradectl.ui import Ui


class Screen:
    """What would stand on a terminal."""

    def __init__(self) -> None:
        """Begin with an empty screen."""
        self.lines: list[str] = []

    def __call__(self, lines: Sequence[str]) -> None:
        self.lines = list(lines)


def started(address: str) -> ResourceProgress:
    return ResourceProgress("start", address, "create", 0)


def test_what_is_under_way_is_shown_until_it_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    """What is done is said, and stays."""
    screen = Screen()
    progress = TerraformProgress(Ui("table", {}), screen)

    progress(started("aws_vpc.a"))
    progress(ResourceProgress("progress", "aws_vpc.a", "create", 10))
    assert screen.lines == ["  creating aws_vpc.a (10 s)"]

    progress(ResourceProgress("complete", "aws_vpc.a", "create", 12))
    assert screen.lines == []
    assert "created aws_vpc.a (12 s)" in capsys.readouterr().err


def test_many_at_once_do_not_fill_the_screen() -> None:
    """The oldest are shown, the others counted."""
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
    """Terraform says a line for each resource that it looks at; a line for many is enough."""
    progress = TerraformProgress(Ui("table", {}), Screen())
    for number in range(60):
        progress(Note(f"aws_vpc.a{number}: Refresh complete", "refresh_complete"))

    assert capsys.readouterr().err.splitlines() == [
        "  refreshed 25 resources",
        "  refreshed 50 resources",
    ]


def test_what_terraform_says_outside_its_format_is_passed_on(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A crash must be seen."""
    TerraformProgress(Ui("table", {}), Screen())(Note("panic: oh no"))

    assert "panic: oh no" in capsys.readouterr().err
