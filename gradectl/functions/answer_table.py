"""Shows the result of a function request."""

from __future__ import annotations

from gradectl.ui import Table
from grader.contract.functions import FunctionAnswer, FunctionResult


def answer_table(result: FunctionResult) -> Table:
    """Return what a run used as a table, and its output below."""
    answer = result.result
    if answer is None:
        error = result.error
        rows = [(error.code, error.message)] if error else []
        return Table(("error", "message"), rows, f"{result.request_id}: {result.status}")
    row = (
        answer.status,
        answer.exit_code,
        answer.duration_millis,
        answer.peak_memory_mb,
        answer.reason or "",
    )
    columns = ("status", "exit code", "time ms", "memory MB", "why")
    notes = [f"{answer.request_id}: {answer.function_id}"]
    if answer.optimization_tip:
        notes.append(f"tip: {answer.optimization_tip}")
    return Table(columns, [row], "\n".join(notes), _output(answer))


def _output(answer: FunctionAnswer) -> str:
    """Return both streams, each under its name if it is not empty."""
    streams = (("stdout", answer.stdout), ("stderr", answer.stderr))
    return "\n".join(f"{name}:\n{text.rstrip()}" for name, text in streams if text.strip())
