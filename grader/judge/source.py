"""Reads the source file of a submission and rejects one that is too large."""

from __future__ import annotations

from grader.contract.bucket import ObjectUrl
from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.judge.limits import MaxLimits, source_limit_bytes
from grader.ports.stores import ObjectStore
from grader.problems.model import ProblemSettings


def read_source(store: ObjectStore, url: ObjectUrl, max_limits: MaxLimits) -> bytes:
    """
    Read a source file.

    Args:
        store: The grading bucket.
        url: URL of the file.
        max_limits: Maximum limits of the worker, with the size of a source.

    Raises:
        RequestError: The file does not exist, or is too large.
        TemporaryError: The store failed.
    """
    try:
        return store.get(url.key, max_bytes=max_limits.source_bytes)
    except ObjectNotFoundError:
        raise RequestError(ErrorCode.SOURCE_NOT_FOUND, f"{url} does not exist") from None
    except ObjectTooLargeError:
        raise _too_large(max_limits.source_bytes) from None


def check_length(source: bytes, max_limits: MaxLimits, settings: ProblemSettings) -> None:
    """Raise `RequestError` if a source is larger than its problem allows."""
    limit = source_limit_bytes(max_limits, settings)
    if len(source) > limit:
        raise _too_large(limit)


def _too_large(limit: int) -> RequestError:
    return RequestError(ErrorCode.SOURCE_TOO_LARGE, f"the source is larger than {limit} bytes")
