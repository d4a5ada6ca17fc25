"""The progress of a submission, which hides what only the result may have."""

from __future__ import annotations

from grader.contract.messages import CaseResult
from grader.contract.verdicts import Verdict
from grader.judge.progress import FinishedCases, compiling


def case(number: int) -> CaseResult:
    """A case with a reason that a checker wrote."""
    return CaseResult(
        case=number, status=Verdict.WRONG_ANSWER, time=1, memory=2, reason="the answer is 42"
    )


def test_progress_has_no_reasons() -> None:
    """A checker may write what it likes into them."""
    done = FinishedCases(3)
    done.add(case(1))

    assert done.progress().to_json() == (
        b'{"phase":"running","casesDone":1,"casesTotal":3,"testResults":'
        b'[{"case":1,"status":"WA","time":1,"memory":2}]}'
    )


def test_progress_has_the_newest_cases() -> None:
    """A problem with thousands of cases does not make it large."""
    done = FinishedCases(2000)
    for number in range(1, 1501):
        done.add(case(number))

    progress = done.progress()

    assert (progress.cases_done, progress.cases_total) == (1500, 2000)
    assert [each.case for each in progress.test_results] == list(range(1401, 1501))


def test_compiling_has_no_cases_yet() -> None:
    """Only their number."""
    assert compiling(3).to_json() == (
        b'{"phase":"compiling","casesDone":0,"casesTotal":3,"testResults":[]}'
    )
