"""Making submissions, sending them, and waiting for what becomes of them."""

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

#: What a worker takes by default (MAX_SOURCE_BYTES); more would be refused a moment later.
MAX_SOURCE_BYTES = 1 << 20
_RESULT_MAX_BYTES = 64 << 20
_Result = TypeVar("_Result", bound=JobResult)
_FIRST_POLL_SECONDS = 0.02
_POLL_GROWTH = 1.4
_LONGEST_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Source:
    """A program from a file."""

    name: str
    content: bytes

    @property
    def extension(self) -> str:
        """Ending of its name, without the dot."""
        return Path(self.name).suffix.lstrip(".") or "txt"


@dataclass(frozen=True)
class Limits:
    """What each test case may use."""

    time_ms: int
    memory_mb: int


def read_source(path: Path) -> Source:
    """
    Read a program; a file that is too large is not read at all.

    Raises:
        UsageError: It is not a file, empty, unreadable, or larger than a worker takes.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or not 0 < size <= MAX_SOURCE_BYTES:
            raise _unfit(path, size)
        return Source(path.name, path.read_bytes())
    except OSError as error:
        text = f"cannot be read: {error.strerror}"
        raise UsageError(text, where=str(path), next_step="give a file with a program") from error


def _unfit(path: Path, size: int) -> UsageError:
    """Say what is wrong with a source file that exists."""
    if not path.is_file():
        return UsageError("not a file", where=str(path), next_step="give a file with a program")
    if not size:
        return UsageError("empty", where=str(path), next_step="give a file with a program")
    text = f"{size} bytes, and a worker takes at most {MAX_SOURCE_BYTES}"
    return UsageError(text, where=str(path), next_step="leave data out of the program")


def new_request_id(now: datetime) -> str:
    """Make an id that sorts by time and is not guessed."""
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
    Write the request message for a program.

    Raises:
        UsageError: A value that no worker would accept; names it.
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


def upload(store: ObjectStore, request: GradingRequest, source: Source) -> None:
    """Put the program and what is known of it where the request says."""
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


def send(broker: Broker, queue: str, request: GradingRequest) -> None:
    """Queue the request; when this returns, the broker has it on disk."""
    broker.send(queue, request.to_json(), {"correlation-id": request.request_id})


def check_problem_exists(store: ObjectStore, problem_id: str, environment: str) -> None:
    """
    Make sure that there is something to grade against.

    Raises:
        GradectlError: The bucket has no test case of this problem.
    """
    if next(iter(store.list(cases_prefix(problem_id))), None) is None:
        raise GradectlError(
            f"there is no problem {problem_id!r}",
            where=f"{cases_prefix(problem_id)} in the bucket of {environment}",
            next_step=f"gradectl problem push -e {environment} DIRECTORY",
        )


def stored_result(store: ObjectStore, request_id: str) -> GradingResult | None:
    """
    Read the stored result of a request, if it has one.

    Raises:
        GradectlError: What is stored there is not a result.
    """
    return _stored(store, request_id, GradingResult)


def stored_job_result(store: ObjectStore, request_id: str) -> JobResult | None:
    """Read the stored result of a request of any kind, one of grading as such; raises as above."""
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
        text = f"not a result: {error}"
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
    Look for the stored result, at growing intervals.

    Raises:
        DeadlineError: It was not there in time.
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
