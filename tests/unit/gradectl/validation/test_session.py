"""Selection of checks, and reasons of skipped ones."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gradectl.errors import ConfigurationError, UsageError
from gradectl.validation.baseline import Baseline, read_baseline
from gradectl.validation.catalogue import CHECKS, NAMES
from gradectl.validation.findings import CheckOutcome, Finding, Validation, listed
from gradectl.validation.fingerprints import Fingerprint
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
    ("only", "words"),
    [
        (["policies", "fmt"], "neither terraform nor tofu"),
        (["checkov"], "checkov is not installed"),
    ],
)
def test_a_missing_program_is_one_error_before_anything_runs(
    make_context: Make, only: list[str], words: str
) -> None:
    """It says how to install it."""
    context = make_context(FILES, PATH="/nonexistent")

    with pytest.raises(ConfigurationError, match=words) as caught:
        Session(context, CheckSelection(only=only))

    assert caught.value.next_step


def test_programs_of_unselected_checks_may_be_missing(make_context: Make) -> None:
    """With `--skip checkov`, checkov need not be installed."""
    assert Session(
        make_context(FILES, PATH="/nonexistent"), CheckSelection(only=["policies"])
    ).tasks


def commit(top: Path) -> None:
    """Commit all files of a new repository."""
    author = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    for words in (["init", "-q"], ["add", "."], [*author, "commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=top, check=True)


def test_only_changed_subjects_are_checked(make_context: Make) -> None:
    """Subjects and whole checks are skipped, with the reason."""
    context = make_context({"modules/a/main.tf": "", "modules/b/main.tf": ""})
    top = context.project.path
    commit(top)
    request = CheckSelection(only=["policies"], changed_since="HEAD")

    assert outcomes(context, request)["policies"].reason == "none of its files changed"
    (top / "modules" / "b" / "main.tf").write_text("\n")
    assert [task.job.subject for task in Session(context, request).tasks] == ["modules/b"]


def test_only_changed_files_are_formatted(make_context: Make) -> None:
    """One program formats all files, so they are one subject."""
    context = make_context({"old.tf": "a=1\n", "b.tf": "\n"})
    commit(context.project.path)
    (context.project.path / "b.tf").write_text("b=1\n")
    session = Session(context, CheckSelection(only=["fmt"], changed_since="HEAD"))

    fixed = [each.path for each in session.fix(dry_run=True)]
    list(session.run(1))

    assert fixed == ["b.tf"]
    assert [task.job.subject for task in session.tasks] == ["1 of 2 files"]
    assert [item.path for item in listed(session.validation().checks)] == ["b.tf"]


def test_a_run_leaves_no_files(make_context: Make) -> None:
    """Neither in the project nor elsewhere, except for caches."""
    context = make_context(FILES)
    session = Session(context, CheckSelection(only=["policies"]))

    assert [type(event).__name__ for event in session.run(1)] == ["Started", "Finished"]
    assert sorted(path.name for path in context.project.path.iterdir()) == sorted(FILES)


#: Leaves checkov and a check without programs.
REST = [name for name in NAMES if name not in ("checkov", "policies")]


def test_a_check_without_its_program_fails_and_the_others_run(make_context: Make) -> None:
    """Nothing was checked, so it must not pass; the error has the command that installs it."""
    session = Session(make_context(FILES, PATH="/nonexistent"), CheckSelection(skip=REST))
    events = list(session.run(1))

    found = {check.name: check for check in session.validation().checks}
    (finding,) = found["checkov"].findings
    assert list(session.installations) == ["checkov"]
    assert len(events) == 4
    assert found["policies"].status == "passed"
    assert found["checkov"].status == "failed"
    assert "pipx install checkov, or --skip checkov" in finding.message


def test_a_check_can_be_left_out_before_the_run(make_context: Make) -> None:
    """When the user does not want its program."""
    session = Session(make_context(FILES, PATH="/nonexistent"), CheckSelection(skip=REST))

    session.leave_out("checkov", "not installed")

    assert [task.check for task in session.tasks] == ["policies"]
    found = {check.name: check for check in session.validation().checks}
    assert (found["checkov"].status, found["checkov"].reason) == ("skipped", "not installed")
    with pytest.raises(UsageError, match="no check is left"):
        session.leave_out("policies", "for this test")


WILD = 'resource "aws_iam_policy" "{name}" {{\n  policy = jsonencode({{ Action = "*" }})\n}}\n'


def checked(context: CheckContext, baseline: Baseline | None, **selection: Any) -> Session:
    """Run the checks without programs."""
    request = CheckSelection(**{"only": ["policies"], **selection})
    session = Session(context, request, baseline)
    list(session.run(1))
    return session


def test_a_baseline_is_written_read_and_reported_as_stale(
    make_context: Make, tmp_path: Path
) -> None:
    """Start today, add nothing, and shrink."""
    path = tmp_path / "b.json"
    recording = read_baseline(path, NAMES, recording=True)
    context = make_context({"main.tf": WILD.format(name="a")})
    recording.update(checked(context, recording).complete)

    def again(text: str, **selection: Any) -> Validation:
        (context.project.path / "main.tf").write_text(text)
        return checked(
            context, read_baseline(path, NAMES, recording=False), **selection
        ).validation()

    moved = again("\n\n" + WILD.format(name="a"))
    more = again(WILD.format(name="a") + WILD.format(name="b"))
    fixed = again("# nothing\n")

    assert (moved.failed, moved.known) == ((), 1)
    assert [finding.line for finding in listed(more.failed)] == [5]
    assert not fixed.failed
    (stale,) = listed(fixed.checks)
    assert (stale.path, stale.rule, stale.severity) == (str(path), "stale", "warning")
    assert "not found: main.tf: Action '*' is a wildcard" in stale.message
    assert "--update-baseline" in stale.message


def test_what_prevents_a_check_is_never_known(make_context: Make, tmp_path: Path) -> None:
    """Or a team would believe for months that checkov runs."""
    context = make_context(FILES, PATH="/nonexistent")
    recording = read_baseline(tmp_path / "b.json", NAMES, recording=True)
    session = checked(context, recording, only=[], skip=REST)

    assert [check.name for check in session.validation().failed] == ["checkov"]
    assert "checkov" not in session.complete
    assert recording.update(session.complete) == (0, 0, 0)


def test_a_syntax_error_is_never_known_and_keeps_the_entries(
    make_context: Make, tmp_path: Path
) -> None:
    """Recorded, it would hide all else; the errors that are not recorded are listed."""
    path = tmp_path / "b.json"
    context = make_context({"main.tf": WILD.format(name="a")})
    recording = read_baseline(path, NAMES, recording=True)
    recording.update(checked(context, recording).complete)
    text = path.read_text()
    context = make_context({"broken.tf": "locals {\n", "more.tf": WILD.format(name="b")})

    recording = read_baseline(path, NAMES, recording=True)
    session = checked(context, recording)
    found = session.validation()

    assert recording.update(session.complete) == (1, 0, 0)
    assert path.read_text() == text
    assert session.incomplete == ["policies"]
    assert [item.path for item in listed(found.failed)] == ["broken.tf", "more.tf"]
    assert found.known == 1


def test_only_a_whole_run_tells_what_is_stale(make_context: Make, tmp_path: Path) -> None:
    """Without a check, its entries stay; those of a check that no longer applies are stale."""
    path = tmp_path / "b.json"
    recording = read_baseline(path, NAMES, recording=True)
    for check in ("policies", "fmt", "readmes"):
        recording.covers(check, Fingerprint("x.tf", "", "", f"of {check}"))
    recording.update(NAMES)
    session = checked(make_context(FILES), read_baseline(path, NAMES, recording=False))

    stale = [finding.message.split(";")[0] for finding in listed(session.validation().checks)]

    assert stale == ["not found: x.tf: of policies", "not found: x.tf: of readmes"]


def test_the_same_error_of_two_subjects_counts_once(make_context: Make, tmp_path: Path) -> None:
    """A root reports what is wrong in its modules, and so do they."""
    context = make_context(FILES)
    wrong = Finding("main.tf", 1, "wrong")
    recording = read_baseline(tmp_path / "b.json", NAMES, recording=True)
    session = Session(context, CheckSelection(only=["policies"]), recording)

    assert session.identify("policies", wrong) == session.identify("policies", wrong)
    assert session.identify("policies", wrong).known
    assert recording.update(NAMES) == (1, 1, 0)
