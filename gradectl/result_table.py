"""A grading result as a person wants to see it."""

from __future__ import annotations

from gradectl.ui import Table
from grader.contract.messages import GradingResult

_COLUMNS = ("case", "status", "time ms", "memory MB")


def result_table(result: GradingResult) -> Table:
    """Lay a result out: the verdict as title, a row for each test case."""
    if result.result is None:
        code, message = (result.error.code, result.error.message) if result.error else ("", "")
        title = f"{result.request_id}: {result.status}"
        return Table(("error", "message"), [(code, message)], title)
    grade = result.result
    title = (
        f"{result.request_id}: {grade.verdict}, score {grade.score}, "
        f"{grade.execution_time} ms, {grade.memory_usage} MB"
    )
    if grade.message:
        title = f"{title}\n{grade.message}"
    rows = [(each.case, each.status, each.time, each.memory) for each in grade.test_results]
    return Table(_COLUMNS, rows, title)
