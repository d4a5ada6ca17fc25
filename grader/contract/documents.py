"""
Turns a request and its result into the document that its owner gets; pure.

`GET /v1/submissions/{id}`, a webhook and Redis have the same text, because all of them come from
here. It has no URL of the bucket, and nothing of a rejudging.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from grader.contract.callbacks import readable_callback
from grader.contract.functions import FunctionAnswer, FunctionRequest, FunctionStatus
from grader.contract.messages import Failure, Grade, GradingRequest, JobRequest, JobResult
from grader.contract.submissions import Progress, Submission, SubmissionStatus
from grader.errors import RequestError

#: A result of a handler other than grading and functions is its own document.
Document = Submission | FunctionAnswer | JobResult
_Model = TypeVar("_Model", bound=BaseModel)


@dataclass(frozen=True)
class JobFields:
    """
    What a document says about a request.

    Args:
        request_id: The request.
        user_id: Who sent it; empty if that is not known, as the following.
        problem_id: The problem.
        language: The language.
        batch_id: The batch that it is part of.
        function_id: The function, of a request to run one.
        submitted_at: Time of the request, UTC.
    """

    request_id: str
    user_id: str = ""
    problem_id: str = ""
    language: str = ""
    batch_id: str | None = None
    function_id: str | None = None
    submitted_at: datetime | None = None


def fields_of(request: JobRequest) -> JobFields:
    """Collect the fields of a request; one for another handler may lack some."""
    return JobFields(
        request_id=request.request_id,
        user_id=getattr(request, "user_id", ""),
        problem_id=getattr(request, "problem_id", ""),
        language=getattr(request, "language", ""),
        batch_id=request.batch_id,
        function_id=getattr(request, "function_id", None),
        submitted_at=getattr(request, "timestamp", None),
    )


def fields_of_message(body: bytes, request_id: str) -> JobFields:
    """
    Collect the fields of a request from its message.

    Args:
        body: The message.
        request_id: Its id; of an invalid request, nothing but this and its batch is known.
    """
    for model in (GradingRequest, FunctionRequest):
        try:
            return fields_of(model.from_json(body))
        except RequestError:
            continue
    callback = readable_callback(body)
    return JobFields(request_id, batch_id=callback.batch_id if callback else None)


def document_of(job: JobFields, result: JobResult, *, attempts: int) -> Document:
    """
    Make the document of a finished request.

    Args:
        job: The request.
        result: Its result; one that was stored may have plain JSON in place of a model.
        attempts: Number of attempts made.

    Returns:
        A `FunctionAnswer` for a function, also if the request failed: its callers need one parser.
        The result itself if it is that of another handler.
    """
    if job.function_id is not None:
        answer = _read(FunctionAnswer, result.result)
        return answer or _unanswered(job, job.function_id, result.error)
    grade = _read(Grade, result.result)
    if grade is None and result.result is not None:
        return result.model_copy(update={"result_file": None, "rejudging": None})
    return Submission(
        request_id=job.request_id,
        status=SubmissionStatus(result.status.value),
        user_id=job.user_id,
        problem_id=job.problem_id,
        language=job.language,
        batch_id=job.batch_id,
        submitted_at=job.submitted_at,
        finished_at=result.timestamp,
        attempts=attempts,
        result=grade,
        error=result.error,
    )


def running_document(
    job: JobFields, *, attempts: int, progress: Progress | None = None
) -> Submission:
    """
    Make the document of a request that runs.

    Args:
        job: The request.
        attempts: Number of attempts made.
        progress: How far it is; None if that is not known.
    """
    return Submission(
        request_id=job.request_id,
        status=SubmissionStatus.RUNNING,
        user_id=job.user_id,
        problem_id=job.problem_id,
        language=job.language,
        function_id=job.function_id,
        batch_id=job.batch_id,
        submitted_at=job.submitted_at,
        attempts=attempts,
        progress=progress,
    )


def _read(model: type[_Model], value: object) -> _Model | None:
    """Read a result that may be a model already; None if it is something else."""
    if isinstance(value, model):
        return value
    try:
        return model.model_validate(value)
    except ValidationError:
        return None


def _unanswered(job: JobFields, function_id: str, error: Failure | None) -> FunctionAnswer:
    reason = error.message if error else None
    stderr = f"{error.code}: {error.message}" if error else ""
    return FunctionAnswer.without_run(
        job.request_id, function_id, FunctionStatus.FAILURE, reason=reason, stderr=stderr
    )
