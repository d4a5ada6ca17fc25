"""The source of a submission: read whole, for it is small, and refused where it is not."""

from __future__ import annotations

from grader.contract.bucket import ObjectUrl
from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.judge.limits import MaxLimits, source_limit_bytes
from grader.ports.stores import ObjectStore
from grader.problems.model import ProblemSettings


def read_source(store: ObjectStore, url: ObjectUrl, max_limits: MaxLimits) -> bytes:
    """
    Read a source.

    Args:
        store: The grading bucket.
        url: Where it is in there.
        max_limits: The most that any source may have.

    Raises:
        RequestError: It is not there, or too large.
        TemporaryError: The store failed.
    """
    try:
        return store.get(url.key, max_bytes=max_limits.source_bytes)
    except ObjectNotFoundError:
        raise RequestError(ErrorCode.SOURCE_NOT_FOUND, f"there is no {url}") from None
    except ObjectTooLargeError:
        raise _too_large(max_limits.source_bytes) from None


def check_length(source: bytes, max_limits: MaxLimits, settings: ProblemSettings) -> None:
    """Hold a source to what its problem allows; raises `RequestError` when it is too large."""
    limit = source_limit_bytes(max_limits, settings)
    if len(source) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> RequestError:
    return RequestError(ErrorCode.SOURCE_TOO_LARGE, f"the source is larger than {limit} bytes")
