"""Which checks run, and why the others do not."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

from gradectl.errors import ConfigurationError, UsageError
from gradectl.validation.catalogue import CHECKS, NAMES
from gradectl.validation.findings import CheckOutcome
from gradectl.validation.model import CheckContext
from gradectl.validation.session import CheckSelection, Session

FILES = {"main.tf": "\n", "README.md": "# x\n"}
Make = Callable[..., CheckContext]


def outcomes(context: CheckContext, request: CheckSelection) -> dict[str, CheckOutcome]:
    """What becomes of each check when nothing has run."""
    return {check.name: check for check in Session(context, request).validation().checks}


def test_every_check_is_told_also_those_that_do_not_run(make_context: Make) -> None:
    """Nobody has to know what was not looked at."""
    found = outcomes(make_context(FILES), CheckSelection(only=["policies"]))

    assert tuple(found) == NAMES
    assert found["policies"].status == "would run"
    assert (found["fmt"].status, found["fmt"].reason) == ("skipped", "by --only or --skip")


@pytest.mark.parametrize("name", ["rendered", "readmes", "cfn-lint", "reference", "broker-xml"])
def test_a_root_of_a_team_has_not_what_only_this_repository_has(
    make_context: Make, name: str
) -> None:
    """The reason is said, and it is no failure."""
    found = outcomes(make_context(FILES), CheckSelection(only=["policies"]))[name]

    assert found.status == "not applicable"
    assert found.reason.startswith(("no ", "neither "))


def test_each_check_says_what_it_is_for_and_why_it_would_not_apply() -> None:
    """A table of names alone explains nothing."""
    assert len(set(NAMES)) == len(NAMES)
    assert all(check.purpose and check.absent for check in CHECKS)
    assert not [check.name for check in CHECKS if check.purpose.endswith(".")]


def test_to_leave_everything_out_is_a_mistake() -> None:
    """A run that looks at nothing would always pass."""
    with pytest.raises(UsageError, match="no check is left"):
        CheckSelection(only=["fmt"], skip=["fmt"]).names()


@pytest.mark.parametrize(
    ("name", "words"),
    [("fmt", "neither terraform nor tofu"), ("checkov", "checkov is not installed")],
)
def test_a_missing_program_is_one_error_before_anything_runs(
    make_context: Make, name: str, words: str
) -> None:
    """It says how to get it."""
    context = make_context(FILES, PATH="/nonexistent")

    with pytest.raises(ConfigurationError, match=words) as caught:
        Session(context, CheckSelection(only=[name]))

    assert caught.value.next_step


def test_a_program_that_no_chosen_check_needs_may_be_missing(make_context: Make) -> None:
    """`--skip checkov` is the way to do without it."""
    assert Session(
        make_context(FILES, PATH="/nonexistent"), CheckSelection(only=["policies"])
    ).tasks


def test_only_what_changed_is_looked_at(make_context: Make) -> None:
    """Subjects and whole checks are left out, and the reason is said."""
    context = make_context({"modules/a/main.tf": "", "modules/b/main.tf": ""})
    top = context.project.path
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=top, check=True)
    request = CheckSelection(only=["policies"], changed_since="HEAD")

    assert outcomes(context, request)["policies"].reason == "none of its files changed"
    (top / "modules" / "b" / "main.tf").write_text("\n")
    assert [task.job.subject for task in Session(context, request).tasks] == ["modules/b"]


def test_nothing_is_left_of_a_run(make_context: Make) -> None:
    """Neither in the project nor elsewhere, but for what the next run can use."""
    context = make_context(FILES)
    session = Session(context, CheckSelection(only=["policies"]))

    assert [type(event).__name__ for event in session.run(1)] == ["Started", "Finished"]
    assert sorted(path.name for path in context.project.path.iterdir()) == sorted(FILES)
