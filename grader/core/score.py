"""From the results of all cases to the grade of a submission; pure."""

from __future__ import annotations

from collections.abc import Sequence

from grader.contract.messages import CaseResult, Grade
from grader.contract.verdicts import Verdict


def grade(cases: Sequence[CaseResult]) -> Grade:
    """
    Add up.

    The verdict is that of the first case that was not accepted; the score is the accepted share
    of the cases in percent, rounded down, so that 100 means all.

    Args:
        cases: The results of all cases, at least one, in their order.
    """
    accepted = sum(one.status is Verdict.ACCEPTED for one in cases)
    first_fault = next(
        (one.status for one in cases if one.status is not Verdict.ACCEPTED), Verdict.ACCEPTED
    )
    return Grade(
        verdict=first_fault,
        score=100 * accepted // len(cases),
        execution_time=sum(one.time for one in cases),
        memory_usage=max(one.memory for one in cases),
        test_results=tuple(cases),
    )


def compile_error(message: str) -> Grade:
    """Grade a source that did not compile; `message` is what the compiler said."""
    return Grade(
        verdict=Verdict.COMPILE_ERROR, score=0, execution_time=0, memory_usage=0, message=message
    )
