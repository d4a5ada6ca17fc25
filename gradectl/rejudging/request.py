"""Makes the request that grades a submission again; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from grader.contract.bucket import ObjectUrl
from grader.contract.messages import GradingRequest
from grader.contract.names import REJUDGING_HEADER
from grader.contract.rejudging import rejudged_id, rejudging_user
from grader.errors import RequestError
from grader.ports.finished import FinishedJob

#: ActiveMQ keeps messages with a priority below 4 behind all others of a queue.
PRIORITY = 1


@dataclass(frozen=True)
class KnownLimits:
    """
    Limits of submissions without a metadata.json.

    Args:
        time_ms: CPU milliseconds of a case.
        memory_mb: Megabytes.
    """

    time_ms: int
    memory_mb: int


@dataclass(frozen=True)
class Submission:
    """
    A submission as the bucket has it.

    Args:
        metadata: The content of metadata.json; None without one.
        sources: Keys of the source files.
    """

    metadata: bytes | None
    sources: Sequence[str]


def rejudged_request(
    job: FinishedJob, submission: Submission, bucket: str, name: str, limits: KnownLimits | None
) -> GradingRequest | str:
    """
    Return the request, or why there can be none.

    Args:
        job: The graded submission.
        submission: Its files.
        bucket: Bucket of the environment.
        name: Name of the rejudging.
        limits: For submissions without metadata.json.
    """
    if submission.metadata is None:
        found = _guessed(job, submission.sources, bucket, limits)
    else:
        found = _described(job, submission.metadata)
    if isinstance(found, str):
        return found
    changes = {
        "request_id": rejudged_id(job.request_id, name),
        "user_id": rejudging_user(name),
        **dict.fromkeys(("webhook_url", "batch_id", "batch_size")),  # of the first grading only
    }
    return found.model_copy(update=changes)


def rejudging_headers(request: GradingRequest, name: str) -> dict[str, str]:
    """Headers of the message: low priority, and the name of the rejudging."""
    return {
        "correlation-id": request.request_id,
        "priority": str(PRIORITY),
        REJUDGING_HEADER: name,
    }


def _described(job: FinishedJob, metadata: bytes) -> GradingRequest | str:
    """Read the request from metadata.json, which holds its fields."""
    try:
        request = GradingRequest.from_json(metadata)
    except RequestError as error:
        return f"metadata.json is not a request: {error.what}"
    if (request.request_id, request.problem_id) != (job.request_id, job.problem_id):
        return "metadata.json is of another request"
    return request


def _guessed(
    job: FinishedJob, sources: Sequence[str], bucket: str, limits: KnownLimits | None
) -> GradingRequest | str:
    """Build the request from the row; only the limits are nowhere."""
    if len(sources) != 1:
        return f"{len(sources)} source files and no metadata.json in submissions/"
    if limits is None:
        return "no metadata.json, so its limits are unknown: --time-limit and --memory-limit"
    try:
        return GradingRequest.model_validate(
            {
                "request_id": job.request_id,
                "user_id": job.user_id,
                "problem_id": job.problem_id,
                "language": job.language,
                "source_file": str(ObjectUrl(bucket, sources[0])),
                "time_limit": limits.time_ms,
                "memory_limit": limits.memory_mb,
                "timestamp": job.updated_at,
            },
            by_name=True,
        )
    except ValueError:
        return "no metadata.json, and its row lacks the problem or the language"
