"""A grading result as a person wants to see it."""

from __future__ import annotations

from gradectl.ui import Table
from grader.contract.messages import CaseResult, Grade, GradingResult

_COLUMNS = ("case", "status", "time ms", "memory MB", "why")


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
    said = [words for _, words in _words(grade)]
    cases = [
        (each.case, each.status, each.time, each.memory, each.reason or "")
        for each in grade.test_results
    ]
    return Table(_COLUMNS, cases, "\n".join([title, *said]))


def result_rows(result: GradingResult) -> list[tuple[str, str]]:
    """Give a result as rows of a table with two columns: what, and what about it."""
    rows = [
        ("verdict", headline(result)),
        ("finished", f"{result.timestamp:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    if result.result is None:
        return rows
    cases = [(f"case {each.case}", _line(each)) for each in result.result.test_results]
    return [*rows, *_words(result.result), *cases]


def _words(grade: Grade) -> list[tuple[str, str]]:
    """All that is said of a whole submission, by what it is."""
    why = f"{grade.reason} (fault: {grade.fault})" if grade.reason else ""
    said = (("why", why), ("message", grade.message or ""), ("tip", grade.optimization_tip or ""))
    return [(name, words) for name, words in said if words]


def _line(case: CaseResult) -> str:
    measured = f"{case.status}, {case.time} ms, {case.memory} MB"
    return f"{measured}: {case.reason}" if case.reason else measured
