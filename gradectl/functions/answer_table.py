"""Explains the result of a function request."""

from __future__ import annotations

from gradectl.ui import Table
from grader.contract.functions import FunctionAnswer, FunctionResult
from grader.contract.messages import GradingRequest
from grader.contract.verdicts import ErrorCode

_SUBMISSION_FIELDS = {field.alias for field in GradingRequest.model_fields.values()}


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


def was_taken_for_submission(result: FunctionResult) -> bool:
    """Whether the worker has no handler of functions, and so missed a field of a submission."""
    error = result.error
    if error is None or error.code is not ErrorCode.INVALID_REQUEST:
        return False
    field, _, _ = error.message.partition(":")
    return field in _SUBMISSION_FIELDS


def _output(answer: FunctionAnswer) -> str:
    """Return both streams, each under its name if it is not empty."""
    streams = (("stdout", answer.stdout), ("stderr", answer.stderr))
    return "\n".join(f"{name}:\n{text.rstrip()}" for name, text in streams if text.strip())
