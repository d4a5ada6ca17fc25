"""A grading result as a person wants to see it."""

from __future__ import annotations

from gradectl.ui import Table
from grader.contract.messages import GradingResult

_COLUMNS = ("case", "status", "time ms", "memory MB")


def headline(result: GradingResult) -> str:
    """Say the result in one line."""
    if result.result is None:
        reason = f": {result.error.code}: {result.error.message}" if result.error else ""
        return f"{result.status}{reason}"
    grade = result.result
    return (
        f"{grade.verdict}, score {grade.score}, {grade.execution_time} ms, {grade.memory_usage} MB"
    )


def result_table(result: GradingResult) -> Table:
    """Lay a result out: the verdict as title, a row for each test case."""
    if result.result is None:
        error = result.error
        rows = [(error.code, error.message)] if error else []
        return Table(("error", "message"), rows, f"{result.request_id}: {result.status}")
    grade = result.result
    title = f"{result.request_id}: {headline(result)}"
    cases = [(each.case, each.status, each.time, each.memory) for each in grade.test_results]
    return Table(_COLUMNS, cases, f"{title}\n{grade.message}" if grade.message else title)


def result_rows(result: GradingResult) -> list[tuple[str, str]]:
    """Give a result as rows of a table with two columns: what, and what about it."""
    rows = [
        ("verdict", headline(result)),
        ("finished", f"{result.timestamp:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    if result.result is None:
        return rows
    if result.result.message:
        rows.append(("message", result.result.message))
    return rows + [
        (f"case {each.case}", f"{each.status}, {each.time} ms, {each.memory} MB")
        for each in result.result.test_results
    ]
