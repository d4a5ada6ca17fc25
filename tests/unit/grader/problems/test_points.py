"""Points by the files of a validator."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.problems.model import CaseFiles, Group, Problem, ProblemSettings, StoredFile
from grader.problems.points import points_from_files

NO_FILE = StoredFile("", 0, "")
CASE = CaseFiles("a/1", NO_FILE, NO_FILE, group="a")


def problem(group: Group, *, custom: bool = True, root: Group | None = None) -> Problem:
    return Problem(
        (CASE,), (root or Group(), group), settings=ProblemSettings(custom_scores=custom)
    )


def test_score_is_points_where_a_group_has_a_bound() -> None:
    """Its own, or that of one around it."""
    own = problem(Group("a", accept_points=10, most_points=40))
    around = problem(Group("a", accept_points=10), root=Group(most_points=40))

    assert points_from_files(own, CASE, b"12.5\n", None) == 12.5
    assert points_from_files(around, CASE, b"40", None) == 40


def test_score_is_a_share_where_nothing_has_a_bound() -> None:
    """A share of what an accepted case gives."""
    assert points_from_files(problem(Group("a", accept_points=10)), CASE, b"0.5", None) == 5


def test_the_multiplier_is_always_a_share() -> None:
    """It comes before the score, should there be both."""
    bounded = problem(Group("a", accept_points=10, most_points=40))

    assert points_from_files(bounded, CASE, b"33", b"0.25") == 2.5


def test_without_a_file_the_group_s_points_hold() -> None:
    """A validator need not give any."""
    assert points_from_files(problem(Group("a")), CASE, None, None) is None


def test_files_that_do_not_count_are_not_read() -> None:
    """Where the problem has no points of its validator, or the group is for show."""
    assert points_from_files(problem(Group("a"), custom=False), CASE, b"junk", None) is None
    assert points_from_files(problem(Group("a", counts=False)), CASE, b"junk", None) is None


@pytest.mark.parametrize(
    "content", [b"", b"one", b"1 2", b"nan", b"inf", b"-0.1", b"1.01", b"\xff"]
)
def test_an_invalid_share_is_rejected(content: bytes) -> None:
    """The error names the file."""
    with pytest.raises(ValueError, match=r"score\.txt (contains|does not contain)"):
        points_from_files(problem(Group("a")), CASE, content, None)


@given(content=st.binary(max_size=20), most=st.sampled_from([None, 7.0]))
def test_points_are_never_out_of_bounds(content: bytes, most: float | None) -> None:
    """Whatever a validator writes."""
    try:
        points = points_from_files(problem(Group("a", most_points=most)), CASE, content, content)
    except ValueError:
        return
    assert points is not None
    assert 0 <= points <= (most or 1)
