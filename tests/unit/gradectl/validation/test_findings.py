"""Findings are listed once, errors first, and counted."""

from __future__ import annotations

from gradectl.validation.findings import (
    CaseOutcome,
    CheckOutcome,
    Finding,
    Validation,
    document,
    grouped,
    listed,
    outcome,
    rows,
)

ERROR = Finding("b.tf", 2, "wrong", "rule")
NOTE = Finding("a.tf", 1, "not run", severity="note")


def check(name: str, *cases: CaseOutcome) -> CheckOutcome:
    """The outcome of one check."""
    return outcome(name, "A purpose", cases)


def test_only_an_error_fails_a_check() -> None:
    """Warnings and notes are only printed."""
    assert check("x", CaseOutcome("a", 1.0, (NOTE,))).status == "passed"
    assert check("x", CaseOutcome("a", 1.0, (NOTE, ERROR))).status == "failed"


def test_the_same_finding_of_two_checks_is_listed_once() -> None:
    """A broken file fails several checks with the same message."""
    case = CaseOutcome("a", 1.0, (ERROR,))

    assert grouped([check("fmt", case), check("init", case)]) == {ERROR: ["fmt", "init"]}


def test_findings_are_sorted_by_severity_and_location() -> None:
    """Readers start at the top."""
    first = Finding("a.tf", 9, "wrong")
    found = grouped([check("x", CaseOutcome("a", 1.0, (NOTE, ERROR, first)))])

    assert list(found) == [first, ERROR, NOTE]


def test_a_finding_is_one_line_with_its_location() -> None:
    """Editors and terminals can open it."""
    assert str(Finding("a.tf", 3, "two\n  lines", "R1")) == "a.tf:3: R1: two lines"


def test_the_table_counts_subjects_and_findings() -> None:
    """Few subjects are named, many are counted."""
    many = [CaseOutcome(name, 0.25, (ERROR,)) for name in "dcba"]
    checks = [check("x", *many), check("y", CaseOutcome("a", 0.5, (NOTE,)))]

    assert rows(Validation("p", 1.5, tuple(checks)))[:2] == [
        ("x", "failed", "1.0 s", "a and 3 more; 4 errors"),
        ("y", "passed", "0.5 s", "a; 1 remark"),
    ]


def test_a_skipped_check_has_a_reason_and_no_time() -> None:
    """It must not look like a passed check."""
    left_out = CheckOutcome("x", "A purpose", "not applicable", reason="there is none")

    found = rows(Validation("p", 0.5, (left_out,)))

    assert found[0] == ("x", "not applicable", "", "there is none")


def test_the_table_ends_with_what_all_checks_share() -> None:
    """The providers are started once, so their time belongs to no check."""
    found = rows(Validation("p", 9.5, (), providers_seconds=8.0))

    assert found == [
        ("providers", "", "8.0 s", "installed and started once, for all checks"),
        ("total", "", "9.5 s", "wall time"),
    ]


def test_a_known_error_does_not_fail_and_is_counted() -> None:
    """It is not listed among the others."""
    known = Finding("a.tf", 1, "wrong", known=True)
    found = Validation("p", 1.0, (check("x", CaseOutcome("a", 1.0, (known, NOTE))),))

    assert not found.failed
    assert found.known == 1
    assert list(listed(found.checks)) == [NOTE]
    assert rows(found)[0] == ("x", "passed", "1.0 s", "a; 1 remark; 1 known")


def test_the_document_is_ok_when_nothing_failed() -> None:
    """One value for scripts, with all details below it."""
    validation = Validation("p", 1.5, (check("x", CaseOutcome("a", 1.0, (ERROR,))),))

    found = document(validation)

    assert (found["path"], found["ok"], found["seconds"]) == ("p", False, 1.5)
    assert found["checks"][0]["subjects"][0]["findings"] == [
        {
            "path": "b.tf",
            "line": 2,
            "rule": "rule",
            "severity": "error",
            "message": "wrong",
            "title": "",
            "help_url": "",
            "known": False,
            "fingerprint": "",
        }
    ]
