"""Finding a problem's own submissions."""

from __future__ import annotations

from pathlib import Path

from gradectl.problems.submissions import find_submissions


def put(directory: Path, *names: str) -> None:
    for name in names:
        path = directory / "submissions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_the_accepted_ones_come_first(tmp_path: Path) -> None:
    """Their times may be needed to know the limit for the others."""
    put(tmp_path, "wrong_answer/a.py", "accepted/b.cc", "accepted/a.c", "accepted/.hidden.py")

    found, skipped = find_submissions(tmp_path)

    assert [one.name for one in found] == ["accepted/a.c", "accepted/b.cc", "wrong_answer/a.py"]
    assert [one.language.name for one in found] == ["c", "cpp20", "python"]
    assert skipped == []


def test_what_cannot_be_judged_is_named(tmp_path: Path) -> None:
    """A submission that is silently left out would look as if it had been verified."""
    put(tmp_path, "accepted/a.cob", "slow/a.py", "accepted/two/a.py", "accepted/two/b.py")

    found, skipped = find_submissions(tmp_path)

    assert found == []
    assert skipped == [
        "accepted/a.cob: no language has files that end in .cob",
        "accepted/two: only submissions of one file can be judged here",
        "slow/a.py: nothing is known to be expected in slow/",
    ]


def test_a_problem_without_submissions_has_none(tmp_path: Path) -> None:
    """The folder may be missing."""
    assert find_submissions(tmp_path) == ([], [])
