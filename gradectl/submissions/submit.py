"""Creates and sends submissions, and waits for their results."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, sleep
from typing import TypeVar

from pydantic import ValidationError

from gradectl.errors import DeadlineError, GradectlError, UsageError
from gradectl.queues.broker import Broker
from grader.contract.bucket import ObjectUrl, metadata_key, result_key, source_key
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.contract.messages import GradingRequest, GradingResult, JobResult
from grader.errors import ObjectNotFoundError
from grader.ports.stores import ObjectStore

#: Default of the worker setting MAX_SOURCE_BYTES; workers reject larger files.
MAX_SOURCE_BYTES = 1 << 20
_RESULT_MAX_BYTES = 64 << 20
_GIVE_A_SOURCE = "give the path of a source file"
_Result = TypeVar("_Result", bound=JobResult)
_FIRST_POLL_SECONDS = 0.02
_POLL_GROWTH = 1.4
_LONGEST_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Source:
    """The source file of a submission."""

    name: str
    content: bytes

    @property
    def extension(self) -> str:
        """File extension without the dot."""
        return Path(self.name).suffix.lstrip(".") or "txt"


@dataclass(frozen=True)
class Limits:
    """The limits of each test case."""

    time_ms: int
    memory_mb: int


def read_source_file(path: Path) -> Source:
    """
    Read a source file; its size is checked first.

    Raises:
        UsageError: It is not a file, empty, unreadable or too large.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or not 0 < size <= MAX_SOURCE_BYTES:
            raise _invalid_source(path, size)
        return Source(path.name, path.read_bytes())
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise UsageError(text, where=str(path), next_step=_GIVE_A_SOURCE) from error


def _invalid_source(path: Path, size: int) -> UsageError:
    """Return the error for an existing path that is not a valid source file."""
    if not path.is_file():
        return UsageError("not a regular file", where=str(path), next_step=_GIVE_A_SOURCE)
    if not size:
        return UsageError("the file is empty", where=str(path), next_step=_GIVE_A_SOURCE)
    text = f"{size} bytes; workers accept at most {MAX_SOURCE_BYTES}"
    return UsageError(text, where=str(path), next_step="move large data out of the program")


def new_request_id(now: datetime) -> str:
    """Return a new id that sorts by time and cannot be guessed."""
    return f"req_{now.astimezone(UTC):%Y%m%d%H%M%S}_{secrets.token_hex(6)}"


def make_request(  # noqa: PLR0913 - the fields of the message, all named at the call
    *,
    bucket: str,
    problem_id: str,
    language: str,
    source: Source,
    limits: Limits,
    user_id: str,
    request_id: str | None = None,
) -> GradingRequest:
    """
    Create the request message of a submission.

    Raises:
        UsageError: A value is invalid; names the option.
    """
    now = datetime.now(UTC)
    chosen_id = request_id or new_request_id(now)
    try:
        return GradingRequest(
            request_id=chosen_id,
            user_id=user_id,
            problem_id=problem_id,
            language=language,
            source_file=str(ObjectUrl(bucket, source_key(chosen_id, source.extension))),
            test_cases=str(ObjectUrl(bucket, cases_prefix(problem_id))),
            time_limit=limits.time_ms,
            memory_limit=limits.memory_mb,
            timestamp=now,
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        option = str(first["loc"][0]).replace("_id", "").replace("_", "-")
        raise UsageError(f"{option}: {first['msg']}", where="gradectl submit") from error


def upload_source(store: ObjectStore, request: GradingRequest, source: Source) -> None:
    """Upload the source file and metadata.json to the keys of the request."""
    bucket = request.source_file.removeprefix("s3://").partition("/")[0]
    metadata = {
        **json.loads(request.to_json()),
        "fileName": source.name,
        "sizeBytes": len(source.content),
        "sha256": hashlib.sha256(source.content).hexdigest(),
    }
    body = json.dumps(metadata, indent=2).encode()
    store.put(metadata_key(request.request_id), body, content_type="application/json")
    key = request.source_url(bucket).key
    store.put(key, source.content, content_type="text/plain; charset=utf-8")


def send_request(broker: Broker, queue: str, request: GradingRequest) -> None:
    """Send the request; returns after the broker has stored it."""
    broker.send(queue, request.to_json(), {"correlation-id": request.request_id})


def check_problem_exists(store: ObjectStore, problem_id: str, environment: str) -> None:
    """
    Check that a problem has test cases.

    Raises:
        GradectlError: The bucket has no test case of the problem.
    """
    if next(iter(store.list(cases_prefix(problem_id))), None) is None:
        raise GradectlError(
            f"problem {problem_id!r} not found",
            where=f"{cases_prefix(problem_id)} in the bucket of {environment}",
            next_step=f"gradectl problem push -e {environment} DIRECTORY",
        )


def stored_result(store: ObjectStore, request_id: str) -> GradingResult | None:
    """
    Read the stored result of a grading request; None if there is none.

    Raises:
        GradectlError: The stored object is not a result.
    """
    return _stored(store, request_id, GradingResult)


def stored_job_result(store: ObjectStore, request_id: str) -> JobResult | None:
    """Read the stored result of a request of any handler; raises as `stored_result`."""
    try:
        return _stored(store, request_id, GradingResult)
    except GradectlError:
        return _stored(store, request_id, JobResult)


def _stored(store: ObjectStore, request_id: str, model: type[_Result]) -> _Result | None:
    key = result_key(request_id)
    try:
        return model.from_json(store.get(key, max_bytes=_RESULT_MAX_BYTES))
    except ObjectNotFoundError:
        return None
    except ValueError as error:
        text = f"not a valid result: {error}"
        raise GradectlError(text, where=key) from error


def wait_for_result(
    store: ObjectStore,
    request_id: str,
    seconds: float,
    *,
    pause: Callable[[float], None] = sleep,
    clock: Callable[[], float] = monotonic,
) -> GradingResult:
    """
    Poll for the stored result at growing intervals.

    Raises:
        DeadlineError: No result within `seconds`.
    """
    deadline = clock() + seconds
    interval = _FIRST_POLL_SECONDS
    while (result := stored_result(store, request_id)) is None:
        left = deadline - clock()
        if left <= 0:
            text = f"no result within {seconds:g} s"
            raise DeadlineError(text, where=request_id)
        pause(min(interval, left))
        interval = min(interval * _POLL_GROWTH, _LONGEST_POLL_SECONDS)
    return result
