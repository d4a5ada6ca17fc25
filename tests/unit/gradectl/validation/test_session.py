"""Selection of checks, and reasons of skipped ones."""

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
    """The outcomes of all checks before a run."""
    return {check.name: check for check in Session(context, request).validation().checks}


def test_every_check_is_listed_even_skipped_ones(make_context: Make) -> None:
    """Skipped checks are visible."""
    found = outcomes(make_context(FILES), CheckSelection(only=["policies"]))

    assert tuple(found) == NAMES
    assert found["policies"].status == "would run"
    assert (found["fmt"].status, found["fmt"].reason) == ("skipped", "by --only or --skip")


@pytest.mark.parametrize("name", ["rendered", "readmes", "cfn-lint", "reference", "broker-xml"])
def test_checks_of_this_repository_do_not_apply_to_other_roots(
    make_context: Make, name: str
) -> None:
    """The reason is shown, and it is not a failure."""
    found = outcomes(make_context(FILES), CheckSelection(only=["policies"]))[name]

    assert found.status == "not applicable"
    assert found.reason.startswith(("no ", "neither "))


def test_each_check_has_a_purpose_and_a_reason_when_absent() -> None:
    """Names alone explain too little."""
    assert len(set(NAMES)) == len(NAMES)
    assert all(check.purpose and check.absent for check in CHECKS)
    assert not [check.name for check in CHECKS if check.purpose.endswith(".")]


def test_skipping_every_check_is_an_error() -> None:
    """A run without checks would always pass."""
    with pytest.raises(UsageError, match="no check is left"):
        CheckSelection(only=["fmt"], skip=["fmt"]).names()


@pytest.mark.parametrize(
    ("name", "words"),
    [("fmt", "neither terraform nor tofu"), ("checkov", "checkov is not installed")],
)
def test_a_missing_program_is_one_error_before_anything_runs(
    make_context: Make, name: str, words: str
) -> None:
    """It says how to install it."""
    context = make_context(FILES, PATH="/nonexistent")

    with pytest.raises(ConfigurationError, match=words) as caught:
        Session(context, CheckSelection(only=[name]))

    assert caught.value.next_step


def test_programs_of_unselected_checks_may_be_missing(make_context: Make) -> None:
    """With `--skip checkov`, checkov need not be installed."""
    assert Session(
        make_context(FILES, PATH="/nonexistent"), CheckSelection(only=["policies"])
    ).tasks


def test_only_changed_subjects_are_checked(make_context: Make) -> None:
    """Subjects and whole checks are skipped, with the reason."""
    context = make_context({"modules/a/main.tf": "", "modules/b/main.tf": ""})
    top = context.project.path
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=top, check=True)
    request = CheckSelection(only=["policies"], changed_since="HEAD")

    assert outcomes(context, request)["policies"].reason == "none of its files changed"
    (top / "modules" / "b" / "main.tf").write_text("\n")
    assert [task.job.subject for task in Session(context, request).tasks] == ["modules/b"]


def test_a_run_leaves_no_files(make_context: Make) -> None:
    """Neither in the project nor elsewhere, except for caches."""
    context = make_context(FILES)
    session = Session(context, CheckSelection(only=["policies"]))

    assert [type(event).__name__ for event in session.run(1)] == ["Started", "Finished"]
    assert sorted(path.name for path in context.project.path.iterdir()) == sorted(FILES)
