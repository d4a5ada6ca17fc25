"""The file of a rejudging survives crashes, and one command at a time changes it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError, GradectlError, TryAgainError
from gradectl.rejudging.comparison import Outcome
from gradectl.rejudging.state_file import create_state, open_state, rejudging_names, state_path
from grader.ports.finished import FinishedJob

JOBS = [
    FinishedJob(
        f"req_{number}", "ann", "sum", "python", "WA", 0,
        datetime(2026, 11, 30, 12, 0, 0, 123456, tzinfo=UTC),
    )
    for number in range(3)
]  # fmt: skip
HEADER = {"name": "again", "given": {"problems": ["sum"]}, "started_at": "2026-11-30T12:00:00Z"}


def test_what_was_recorded_is_read_again(tmp_path: Path) -> None:
    """Only its owner can read it."""
    create_state(tmp_path / "dev", HEADER, JOBS)
    with open_state(tmp_path / "dev", "again", changing=True) as state:
        state.hold_back("req_0", "no source")
        state.accept("req_1", Outcome("AC", 100))
        state.keep("req_2", "it has changed")
        state.set_state("accepting")

    with open_state(tmp_path / "dev", "again") as state:
        assert list(state.selected()) == JOBS
        assert state.header["given"] == HEADER["given"]
        assert state.selected_count == 3
        assert state.held_back == {"req_0": "no source"}
        assert state.accepted == {"req_1": Outcome("AC", 100)}
        assert state.kept == {"req_2": "it has changed"}
        assert state.state == "accepting"
    assert state_path(tmp_path / "dev", "again").stat().st_mode & 0o777 == 0o600


def test_an_interrupted_selection_leaves_no_file(tmp_path: Path) -> None:
    """A file with a part of the submissions would look complete."""

    def broken() -> Iterator[FinishedJob]:
        yield JOBS[0]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        create_state(tmp_path, HEADER, broken())

    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("cut", [1, 20])
def test_a_line_that_a_crash_cut_off_is_dropped(tmp_path: Path, cut: int) -> None:
    """And the next one begins a line of its own."""
    create_state(tmp_path, HEADER, JOBS)
    with open_state(tmp_path, "again", changing=True) as state:
        state.accept("req_0", Outcome("AC", 100))
        state.accept("req_1", Outcome("AC", 100))
    path = state_path(tmp_path, "again")
    path.write_bytes(path.read_bytes()[:-cut])

    with open_state(tmp_path, "again") as state:
        assert list(state.accepted) == ["req_0"]
    with open_state(tmp_path, "again", changing=True) as state:
        state.accept("req_2", Outcome("AC", 100))
    with open_state(tmp_path, "again") as state:
        assert list(state.accepted) == ["req_0", "req_2"]


def test_a_second_command_is_refused_and_reading_is_not(tmp_path: Path) -> None:
    """`show` works while `start` runs."""
    create_state(tmp_path, HEADER, JOBS)

    with open_state(tmp_path, "again", changing=True):
        with pytest.raises(TryAgainError), open_state(tmp_path, "again", changing=True):
            pass
        with open_state(tmp_path, "again") as state:
            assert state.state == "grading"


def test_an_unknown_or_damaged_file_is_an_error_with_a_next_step(tmp_path: Path) -> None:
    """The same conditions and name make it again."""
    assert rejudging_names(tmp_path) == []
    with pytest.raises(GradectlError, match="not found") as missing, open_state(tmp_path, "again"):
        pass
    assert "rejudge start --name again" in missing.value.next_step

    state_path(tmp_path, "again").write_text("{\n")
    with pytest.raises(ConfigurationError, match="damaged"), open_state(tmp_path, "again"):
        pass
