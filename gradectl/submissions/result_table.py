"""Formats results as tables."""

from __future__ import annotations

import json

from gradectl.ui import Table
from grader.contract.messages import CaseResult, Grade, GradingResult, JobResult

_COLUMNS = ("case", "status", "time ms", "memory MB", "why")

#: Maximum length of the result of another handler than grading, in one line.
_LONGEST_CONTENT = 200


def headline(result: JobResult) -> str:
    """Summarize a result in one line."""
    grade = result.result
    if not isinstance(grade, Grade):
        reason = f": {result.error.code}: {result.error.message}" if result.error else ""
        content = f": {json.dumps(grade, ensure_ascii=False)}" if grade is not None else ""
        return f"{result.status}{reason}{content[:_LONGEST_CONTENT]}"
    return (
        f"{grade.verdict}, score {grade.score}, {grade.execution_time} ms, {grade.memory_usage} MB"
    )


def result_table(result: GradingResult) -> Table:
    """Return a table with the verdict as title and one row per test case."""
    if result.result is None:
        error = result.error
        rows = [(error.code, error.message)] if error else []
        return Table(("error", "message"), rows, f"{result.request_id}: {result.status}")
    grade = result.result
    title = f"{result.request_id}: {headline(result)}"
    notes = [text for _, text in _notes(grade)]
    cases = [
        (each.case, each.status, each.time, each.memory, each.reason or "")
        for each in grade.test_results
    ]
    return Table(_COLUMNS, cases, "\n".join([title, *notes]))


def result_rows(result: JobResult) -> list[tuple[str, str]]:
    """Return a result as rows of name and text."""
    grade = result.result
    graded = isinstance(grade, Grade | None)
    rows = [
        ("verdict" if graded else "result", headline(result)),
        ("finished", f"{result.timestamp:%Y-%m-%d %H:%M:%S} UTC"),
    ]
    if not isinstance(grade, Grade):
        return rows
    cases = [(f"case {each.case}", _line(each)) for each in grade.test_results]
    return [*rows, *_notes(grade), *cases]


def _notes(grade: Grade) -> list[tuple[str, str]]:
    """Return the texts about the whole submission, by name."""
    why = f"{grade.reason} (fault: {grade.fault})" if grade.reason else ""
    notes = (("why", why), ("message", grade.message or ""), ("tip", grade.optimization_tip or ""))
    return [(name, text) for name, text in notes if text]


def _line(case: CaseResult) -> str:
    measured = f"{case.status}, {case.time} ms, {case.memory} MB"
    return f"{measured}: {case.reason}" if case.reason else measured
