"""Finding the example submissions of a problem."""

from __future__ import annotations

from pathlib import Path

from gradectl.problems.submissions import find_submissions


def put(directory: Path, *names: str) -> None:
    for name in names:
        path = directory / "submissions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")


def test_accepted_submissions_come_first(tmp_path: Path) -> None:
    """Their times may determine the time limit of the others."""
    put(tmp_path, "wrong_answer/a.py", "accepted/b.cc", "accepted/a.c", "accepted/.hidden.py")

    found, skipped = find_submissions(tmp_path)

    assert [one.name for one in found] == ["accepted/a.c", "accepted/b.cc", "wrong_answer/a.py"]
    assert [one.language.name for one in found] == ["c", "cpp20", "python"]
    assert skipped == []


def test_submissions_that_cannot_be_judged_are_listed(tmp_path: Path) -> None:
    """A submission skipped without a warning would look verified."""
    put(tmp_path, "accepted/a.cob", "slow/a.py", "accepted/two/a.py", "accepted/two/b.py")

    found, skipped = find_submissions(tmp_path)

    assert found == []
    assert skipped == [
        "accepted/a.cob: no language has the extension .cob",
        "accepted/two: submissions of several files are not supported",
        "slow/a.py: unknown folder slow/",
    ]


def test_a_problem_may_have_no_submissions(tmp_path: Path) -> None:
    """The folder may be missing."""
    assert find_submissions(tmp_path) == ([], [])
