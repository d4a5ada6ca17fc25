"""Reads stored results, and waits for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from time import monotonic, sleep
from typing import TypeVar

from grader.contract.bucket import result_key
from grader.contract.messages import GradingResult, JobResult
from grader.errors import GraderError, HiddenObjectError, NoResultError, ObjectNotFoundError
from grader.ports.stores import ObjectStore

_MAX_BYTES = 64 << 20
_FIRST_POLL_SECONDS = 0.02
_POLL_GROWTH = 1.4
_LONGEST_POLL_SECONDS = 2.0
_Result = TypeVar("_Result", bound=JobResult)


def stored_result(store: ObjectStore, request_id: str) -> GradingResult | None:
    """
    Read the stored result of a grading request; None if there is none.

    Raises:
        GraderError: The stored object is not a result.
    """
    return _stored(store, request_id, GradingResult)


def stored_job_result(store: ObjectStore, request_id: str) -> JobResult | None:
    """Read the stored result of a request of any handler; raises as `stored_result`."""
    try:
        return _stored(store, request_id, GradingResult)
    except GraderError:
        return _stored(store, request_id, JobResult)


def wait_for_result(
    store: ObjectStore,
    request_id: str,
    seconds: float,
    *,
    pause: Callable[[float], None] = sleep,
    clock: Callable[[], float] = monotonic,
) -> GradingResult:
    """
    Poll for the stored result of a grading request at growing intervals.

    Without the right to list the bucket, S3 refuses to read a result that does not exist yet.

    Raises:
        NoResultError: No result within `seconds`; the request stays queued.
    """
    return wait_for(store, request_id, seconds, model=GradingResult, pause=pause, clock=clock)


def wait_for(  # noqa: PLR0913 - two are for tests
    store: ObjectStore,
    request_id: str,
    seconds: float,
    *,
    model: type[_Result],
    pause: Callable[[float], None] = sleep,
    clock: Callable[[], float] = monotonic,
) -> _Result:
    """Poll for the stored result of a handler, whose model is given; as `wait_for_result`."""
    deadline = clock() + seconds
    refusal = ""
    for interval in poll_intervals():
        try:
            result = _stored(store, request_id, model)
        except HiddenObjectError as error:
            result, refusal = None, f"; the last answer was: {error.what}"
        if result is not None:
            return result
        left = deadline - clock()
        if left <= 0:
            break
        pause(min(interval, left))
    raise NoResultError(f"no result within {seconds:g} s{refusal}", where=request_id)


def poll_intervals() -> Iterator[float]:
    """Yield the seconds between looks: 20 ms, so that fast results are seen quickly, up to 2 s."""
    interval = _FIRST_POLL_SECONDS
    while True:
        yield interval
        interval = min(interval * _POLL_GROWTH, _LONGEST_POLL_SECONDS)


def _stored(store: ObjectStore, request_id: str, model: type[_Result]) -> _Result | None:
    key = result_key(request_id)
    try:
        return model.from_json(store.get(key, max_bytes=_MAX_BYTES))
    except ObjectNotFoundError:
        return None
    except ValueError as error:
        text = " ".join(str(error).split())
        raise GraderError(f"not a valid result: {text}", where=key) from error
