"""What was found is told once, errors first, and counted right."""

from __future__ import annotations

from gradectl.validation.findings import (
    CaseOutcome,
    CheckOutcome,
    Finding,
    Validation,
    document,
    grouped,
    outcome,
    rows,
)

ERROR = Finding("b.tf", 2, "wrong", "rule")
NOTE = Finding("a.tf", 1, "not run", severity="note")


def check(name: str, *cases: CaseOutcome) -> CheckOutcome:
    """One check with what became of its subjects."""
    return outcome(name, "A purpose", cases)


def test_only_an_error_fails_a_check() -> None:
    """A remark is told, and nothing more."""
    assert check("x", CaseOutcome("a", 1.0, (NOTE,))).status == "passed"
    assert check("x", CaseOutcome("a", 1.0, (NOTE, ERROR))).status == "failed"


def test_the_same_finding_of_two_checks_is_told_once() -> None:
    """A broken file fails all that read it, with the same words."""
    case = CaseOutcome("a", 1.0, (ERROR,))

    assert grouped([check("fmt", case), check("init", case)]) == {ERROR: ["fmt", "init"]}


def test_errors_come_before_remarks_and_then_by_place() -> None:
    """The reader begins at the top."""
    first = Finding("a.tf", 9, "wrong")
    found = grouped([check("x", CaseOutcome("a", 1.0, (NOTE, ERROR, first)))])

    assert list(found) == [first, ERROR, NOTE]


def test_a_finding_is_written_on_one_line_with_its_place() -> None:
    """Editors and terminals jump to it."""
    assert str(Finding("a.tf", 3, "two\n  lines", "R1")) == "a.tf:3: R1: two lines"


def test_the_table_says_how_much_was_looked_at_and_found() -> None:
    """Many subjects are counted, and few are named."""
    many = [CaseOutcome(name, 0.25, (ERROR,)) for name in "dcba"]
    checks = [check("x", *many), check("y", CaseOutcome("a", 0.5, (NOTE,)))]

    assert rows(checks) == [
        ("x", "failed", "1.0 s", "a and 3 more; 4 errors"),
        ("y", "passed", "0.5 s", "a; 1 remark"),
    ]


def test_a_check_that_did_not_run_says_why_and_has_no_time() -> None:
    """Nobody takes it for one that passed."""
    left_out = CheckOutcome("x", "A purpose", "not applicable", reason="there is none")

    assert rows([left_out]) == [("x", "not applicable", "", "there is none")]


def test_the_document_is_ok_when_nothing_failed() -> None:
    """One value for scripts, and every detail below it."""
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
            "help_url": "",
        }
    ]
