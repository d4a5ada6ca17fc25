"""Old results and new ones as a table."""

from __future__ import annotations

from datetime import UTC, datetime

from sample_results import completed, failed

from gradectl.rejudging.comparison import Comparison, is_worth_repeating
from grader.contract.verdicts import ErrorCode, Verdict
from grader.ports.finished import FinishedJob

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def job(number: int, outcome: str, score: int | None) -> FinishedJob:
    return FinishedJob(f"req_{number}", "ann", "sum", "python", outcome, score, NOW)


def test_the_table_counts_old_results_by_new_ones() -> None:
    """Only columns that occur; failures share one, and change nothing: they are not accepted."""
    found = Comparison()
    found.add(job(1, "WA", 0), completed("r", Verdict.ACCEPTED, 100))
    found.add(job(2, "WA", 40), completed("r", Verdict.WRONG_ANSWER, 60))
    found.add(job(3, "WA", 0), completed("r", Verdict.WRONG_ANSWER, 0))
    found.add(job(4, "AC", 100), None)
    found.add(job(5, "CHECKER_FAILED", None), None, "no source")
    found.add(job(6, "AC", 100), failed("r", ErrorCode.TEST_CASES_NOT_FOUND, "why"))

    assert found.matrix() == (
        ["old \\ new", "AC", "WA", "failed", "waiting", "held back"],
        [
            ["AC", "-", "-", 1, 1, "-"],
            ["WA", 1, 2, "-", "-", "-"],
            ["failed", "-", "-", "-", "-", 1],
        ],
    )
    assert (found.total, found.graded) == (6, 3)
    assert [(each.job.request_id, str(each.old), str(each.new)) for each in found.changes] == [
        ("req_1", "WA 0", "AC 100"),
        ("req_2", "WA 40", "WA 60"),
    ]
    assert found.held_back == {"req_5": "no source"}
    assert found.failures == {"req_6": "TEST_CASES_NOT_FOUND: why"}


def test_only_faults_of_problem_and_platform_are_repeated() -> None:
    """A submission that is invalid stays so."""
    assert is_worth_repeating(failed("r", ErrorCode.CHECKER_FAILED))
    assert is_worth_repeating(failed("r", ErrorCode.INTERNAL_ERROR))
    assert not is_worth_repeating(failed("r", ErrorCode.SOURCE_TOO_LARGE))
    assert not is_worth_repeating(completed("r", Verdict.WRONG_ANSWER, 0))
