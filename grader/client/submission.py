"""Makes the request of a submission, and stores its files."""

from __future__ import annotations

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import PurePath

from pydantic import ValidationError

from grader.contract.bucket import ObjectUrl, metadata_key, source_key
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.contract.messages import GradingRequest
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.ports.stores import ObjectStore

#: Default of the setting MAX_SOURCE_BYTES of workers and API, which reject larger files.
MAX_SOURCE_BYTES = 1 << 20

#: Media type of the stored source file.
SOURCE_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Source:
    """
    The source file of a submission.

    Args:
        name: File name; its extension becomes that of the stored object.
        content: Its bytes.
    """

    name: str
    content: bytes

    @property
    def extension(self) -> str:
        """File extension without the dot."""
        return PurePath(self.name).suffix.lstrip(".") or "txt"


@dataclass(frozen=True)
class Limits:
    """
    The limits of each test case.

    Args:
        time_ms: CPU milliseconds.
        memory_mb: Megabytes.
    """

    time_ms: int = 5000
    memory_mb: int = 256


@dataclass(frozen=True)
class RequestOptions:
    """
    What a request may have in addition.

    Args:
        stop_at_first_failure: Run no further case once one was not accepted.
        webhook_url: Receives the result.
        batch_id: The batch that the request is part of.
        batch_size: Number of requests in the batch.
    """

    stop_at_first_failure: bool = False
    webhook_url: str | None = None
    batch_id: str | None = None
    batch_size: int | None = None


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
    options: RequestOptions | None = None,
) -> GradingRequest:
    """
    Make the request message of a submission.

    Args:
        bucket: Bucket of the environment.
        problem_id: Id of the problem.
        language: A language of the workers.
        source: The program.
        limits: Limits of each test case.
        user_id: Who submits, as the caller names them.
        request_id: Its id; a new one by default.
        options: What it has in addition.

    Raises:
        RequestError: A value is invalid; the text begins with the name of the argument.
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
            **asdict(options or RequestOptions()),
        )
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        text = f"{first['loc'][0]}: {first['msg']}"
        raise RequestError(ErrorCode.INVALID_REQUEST, text) from error


def upload_source(store: ObjectStore, request: GradingRequest, source: Source) -> None:
    """Upload the source file and metadata.json to the keys of the request."""
    body = json.dumps(source_metadata(request, source), indent=2).encode()
    store.put(metadata_key(request.request_id), body, content_type="application/json")
    put_source(store, request, source)


def source_metadata(request: GradingRequest, source: Source) -> dict[str, object]:
    """Return the content of metadata.json."""
    return {
        **json.loads(request.to_json()),
        "fileName": source.name,
        "sizeBytes": len(source.content),
        "sha256": hashlib.sha256(source.content).hexdigest(),
    }


def put_source(store: ObjectStore, request: GradingRequest, source: Source) -> None:
    """Upload the source file to the key of the request."""
    bucket = request.source_file.removeprefix("s3://").partition("/")[0]
    key = request.source_url(bucket).key
    store.put(key, source.content, content_type=SOURCE_TYPE)
