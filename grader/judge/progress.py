"""
The progress of a submission, made only when it is shown.

It has no reasons: a checker may write what it likes into them, and the result has them all.
"""

from __future__ import annotations

from grader.contract.messages import CaseResult
from grader.contract.submissions import Progress

#: The newest cases of a progress; more would make it large.
_MOST_CASES = 100


def compiling(cases_total: int) -> Progress:
    """Return the progress before the first case."""
    return Progress(phase="compiling", cases_total=cases_total)


class FinishedCases:
    """
    The cases that have ended; written by the grader, read by another thread.

    Args:
        total: Number of cases of the problem.
    """

    def __init__(self, total: int) -> None:
        self._total = total
        self._results: list[CaseResult] = []

    def add(self, result: CaseResult) -> None:
        """Add the result of a case."""
        self._results.append(result)

    def progress(self) -> Progress:
        """Return the progress now."""
        results = self._results[:]  # one step for the grader's thread, which appends
        newest = [one.model_copy(update={"reason": None}) for one in results[-_MOST_CASES:]]
        return Progress(
            phase="running",
            cases_done=len(results),
            cases_total=self._total,
            test_results=tuple(newest),
        )
