"""The client of the HTTP API: it needs a URL and an API key, and no right in AWS."""

from __future__ import annotations

import base64
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from grader.adapters.http_api import HttpAnswer, HttpConnections
from grader.client.problem_details import LATER, error_of, retry_seconds
from grader.client.submission import SOURCE_TYPE, Limits, Source
from grader.contract.functions import FunctionAnswer
from grader.contract.messages import GradingResult
from grader.contract.submissions import Batch, Submission, SubmissionStatus
from grader.contract.verdicts import ErrorCode, Status
from grader.errors import (
    ConnectionLostError,
    GraderError,
    NoResultError,
    ObjectNotFoundError,
    RequestError,
    SettingsError,
    TemporaryError,
)

#: Larger programs are put to an upload URL.
LARGEST_IN_BODY = 512 << 10
#: Most programs of a batch.
LARGEST_BATCH = 1000
_LONGEST_RUN_SECONDS = 25.0
#: An answer that does not come in this time is asked for again; the API answers earlier.
_ANSWER_SECONDS = 60.0
#: The API sends a comment every 15 s.
_SILENCE_SECONDS = 40.0
#: Answer of the bucket to an upload that was stored before, such as when its answer was lost.
_EXISTS = HTTPStatus.PRECONDITION_FAILED
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 10.0


@dataclass(frozen=True)
class Program:
    """
    One program of a batch; arguments as those of `HttpGradingClient.submit`.

    Args:
        problem_id: Id of the problem.
        language: A language of the workers.
        source: The program, at most `LARGEST_IN_BODY`.
        user_id: Who submits; None: the user of the key.
        limits: Limits of each test case; None: those of the problem.
        priority: Use the urgent queue.
    """

    problem_id: str
    language: str
    source: Source | str | bytes
    user_id: str | None = None
    limits: Limits | None = None
    priority: bool = False

    @property
    def size(self) -> int:
        """Bytes of the source."""
        return len(_content(self.source))

    def body(self) -> dict[str, object]:
        """Return the document of the API, without a source that has to be uploaded."""
        document: dict[str, object] = {"problemId": self.problem_id, "language": self.language}
        if self.limits is not None:
            document["timeLimit"] = self.limits.time_ms
            document["memoryLimit"] = self.limits.memory_mb
        if self.size <= LARGEST_IN_BODY:
            document["sourceBase64"] = base64.b64encode(_content(self.source)).decode()
        if isinstance(self.source, Source):
            document["fileName"] = self.source.name
        if self.user_id is not None:
            document["userId"] = self.user_id
        if self.priority:
            document["priority"] = True
        return document


@dataclass(frozen=True)
class SentBatch:
    """
    A batch that was queued.

    Args:
        batch_id: Its id.
        request_ids: Ids of the submissions, in the order of the programs.
    """

    batch_id: str
    request_ids: tuple[str, ...]


class HttpGradingClient:
    """
    Submits programs and reads their results by the HTTP API; thread-safe.

    A call that was refused with 429 or 503, or lost its connection, is repeated until
    `retry_seconds` have passed; each submission has an `Idempotency-Key`, so a repetition never
    leads to a second result. Each method raises `AccessError` when the key is not valid or lacks
    a scope, `TemporaryError` or `ConnectionLostError` when the repetitions did not help, and
    `TrustError` for a certificate that is not trusted.

    Args:
        url: Address of the API, such as `https://grading.example.com`.
        api_key: A key of `gradectl api-key create`, or a token of the issuer that the API accepts.
        ca_file: Authorities that are trusted in addition to those of the system.
        retry_seconds: How long a call is repeated; 0: not at all.
        pause: Waits for seconds; for tests.

    Raises:
        SettingsError: The URL is not one, or `ca_file` cannot be read.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        ca_file: Path | str | None = None,
        *,
        retry_seconds: float = 60.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname:
            raise SettingsError("not the URL of an API", where=url, next_step="write https://host")
        if not api_key or not api_key.isascii() or not api_key.isprintable():
            raise SettingsError("not an API key", next_step="run gradectl api-key create")
        self._url = url.rstrip("/")
        self._authorization = f"Bearer {api_key}"
        self._connections = HttpConnections(ca_file)
        self._retry_seconds = retry_seconds
        self._pause = pause

    def submit(  # noqa: PLR0913 - as `GradingClient.submit`
        self,
        problem_id: str,
        language: str,
        source: Source | str | bytes,
        *,
        user_id: str | None = None,
        limits: Limits | None = None,
        request_id: str | None = None,
        priority: bool = False,
    ) -> str:
        """
        Send a program; returns after the system has stored it. A large one is uploaded.

        Args:
            problem_id: Id of a problem.
            language: A language of the workers, such as `python`.
            source: The program; the API knows how large it may be.
            user_id: Who submits; only keys without a user of their own name one.
            limits: Limits of each test case; None: those of the problem, which only a key without a
                user can exceed.
            request_id: A text of your own, sent as `Idempotency-Key`: the same one never leads to
                two results. The API makes the id from it, so use the id that is returned.
            priority: Send to the urgent queue; not with the key of a user.

        Returns:
            The request id.

        Raises:
            RequestError: A value is invalid, or the program too large.
        """
        program = Program(problem_id, language, source, user_id, limits, priority)
        if not program.size:
            raise RequestError(ErrorCode.INVALID_REQUEST, "source: 0 bytes; it is empty")
        accepted = self._post("/v1/submissions", program.body(), request_id or uuid.uuid4().hex)
        found = str(accepted["requestId"])
        if accepted.get("uploadUrl"):
            self._upload(accepted, _content(source))
            self._post(f"/v1/submissions/{quote(found, safe='')}/uploaded", None, None)
        return found

    def result(self, request_id: str) -> GradingResult | None:
        """Read the result; None while there is none, and for one that may not be read."""
        try:
            return _result_of(self.submission(request_id))
        except ObjectNotFoundError:
            return None

    def submission(self, request_id: str) -> Submission | FunctionAnswer:
        """
        Read a submission with its state, such as its place in the queue; or a function's answer.

        Raises:
            ObjectNotFoundError: There is none with this id, or it is another user's.
        """
        return _document(self._call("GET", f"/v1/submissions/{quote(request_id, safe='')}").body)

    def wait(self, request_id: str, timeout_seconds: float) -> GradingResult:
        """
        Wait for the result over an event stream, so one call is enough.

        Raises:
            NoResultError: There is none within `timeout_seconds`, or no submission has this id.
        """
        result = _result_of(self._last(request_id, timeout_seconds))
        if result is None:
            raise NoResultError("it is the run of a function; use run", where=request_id)
        return result

    def events(
        self, request_id: str, timeout_seconds: float
    ) -> Iterator[Submission | FunctionAnswer]:
        """
        Yield a submission at each change; the last one is final.

        A lost stream is opened again, and continues after the last event.

        Raises:
            NoResultError: There is no result within `timeout_seconds`, or no such submission.
        """
        deadline = time.monotonic() + timeout_seconds
        last, attempt, said = "", 0, ""
        while True:
            try:
                for number, document in self._stream(request_id, last, deadline):
                    last, attempt = number, 0
                    yield document
                    if _is_final(document):
                        return
                wait = 0.0 if attempt == 0 else _backoff(attempt)
            except ObjectNotFoundError as error:
                raise NoResultError(error.what, where=request_id) from error
            except (ConnectionLostError, TemporaryError) as error:
                said = f"; the last error was: {error.what}"
                wait = retry_seconds(error) or _backoff(attempt)
            attempt += 1
            left = deadline - time.monotonic()
            if left <= wait:
                self._pause(max(left, 0.0))
                text = f"no result within {timeout_seconds:g} s{said}"
                raise NoResultError(text, where=request_id)
            self._pause(wait)

    def run(  # noqa: PLR0913 - what a run may have, named at the call
        self,
        function_id: str,
        input_data: object = None,
        *,
        user_id: str | None = None,
        request_id: str | None = None,
        priority: bool = False,
        timeout_seconds: float = 60.0,
    ) -> FunctionAnswer:
        """
        Run a function and wait for its answer, also one of a run that failed.

        Args:
            function_id: Its id.
            input_data: Any JSON value.
            user_id: As for `submit`.
            request_id: As for `submit`.
            priority: Use the urgent queue.
            timeout_seconds: Longest wait.

        Raises:
            RequestError: A value is invalid, or the run failed without an answer.
            NoResultError: No answer within `timeout_seconds`; the request stays queued.
        """
        start = time.monotonic()
        seconds = min(max(timeout_seconds, 0.0), _LONGEST_RUN_SECONDS)
        body = {"functionId": function_id, "inputData": input_data, "waitSeconds": seconds}
        if user_id is not None:
            body["userId"] = user_id
        if priority:
            body["priority"] = True
        answer = self._call("POST", "/v1/run", body, request_id or uuid.uuid4().hex)
        if answer.status == HTTPStatus.ACCEPTED:
            found = str(json.loads(answer.body)["requestId"])
            document = self._last(found, timeout_seconds - (time.monotonic() - start))
        else:
            document = _document(answer.body)
        if isinstance(document, FunctionAnswer):
            return document
        failure = document.error
        raise RequestError(
            failure.code if failure else ErrorCode.INTERNAL_ERROR,
            failure.message if failure else "the run has no answer",
        )

    def submit_batch(
        self,
        programs: Sequence[Program],
        *,
        batch_key: str | None = None,
        webhook_url: str | None = None,
    ) -> SentBatch:
        """
        Send up to 1,000 programs; one that is invalid refuses all.

        Args:
            programs: Together less than the largest body of the API, 2 MiB by default.
            batch_key: A text of your own, sent as `Idempotency-Key`.
            webhook_url: Receives the state of all, when all have ended.

        Raises:
            RequestError: A value is invalid; its text has the number of the program.
        """
        for number, program in enumerate(programs):
            if not 0 < program.size <= LARGEST_IN_BODY:
                text = f"submissions.{number}.source: allowed are 1 to {LARGEST_IN_BODY} bytes"
                raise RequestError(ErrorCode.SOURCE_TOO_LARGE, text)
        body: dict[str, object] = {"submissions": [program.body() for program in programs]}
        if webhook_url is not None:
            body["webhookUrl"] = webhook_url
        accepted = self._post("/v1/batches", body, batch_key or uuid.uuid4().hex)
        ids = tuple(str(each["requestId"]) for each in accepted["submissions"])
        return SentBatch(str(accepted["batchId"]), ids)

    def batch(self, batch_id: str) -> Batch:
        """
        Read the state of all submissions of a batch.

        Raises:
            ObjectNotFoundError: There is none with this id, or it is another user's.
        """
        body = self._call("GET", f"/v1/batches/{quote(batch_id, safe='')}").body
        return Batch.model_validate_json(body)

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _last(self, request_id: str, timeout_seconds: float) -> Submission | FunctionAnswer:
        """Return the final document."""
        *_, last = self.events(request_id, timeout_seconds)
        return last

    def _stream(
        self, request_id: str, last: str, deadline: float
    ) -> Iterator[tuple[str, Submission | FunctionAnswer]]:
        """Yield number and document of each event of one stream."""
        path = f"/v1/submissions/{quote(request_id, safe='')}/events"
        headers = self._headers() | ({"last-event-id": last} if last else {})
        with self._connections.stream(
            self._url + path, headers=headers, silence_seconds=_SILENCE_SECONDS, deadline=deadline
        ) as (answer, lines):
            if answer.status >= HTTPStatus.BAD_REQUEST:
                raise error_of(answer, self._url + path)
            number = last
            for line in lines:
                if line.startswith("id:"):
                    number = line[3:].strip()
                if line.startswith("data:"):
                    yield number, _document(line[5:].encode())

    def _upload(self, accepted: Mapping[str, Any], content: bytes) -> None:
        """Put a program to its upload URL, which needs no key."""
        headers = {"content-type": SOURCE_TYPE, **(accepted.get("uploadHeaders") or {})}
        self._repeat("PUT", str(accepted["uploadUrl"]), content, headers, done=(_EXISTS,))

    def _post(self, path: str, body: object, key: str | None) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self._call("POST", path, body, key).body)
        return found

    def _call(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> HttpAnswer:
        headers = self._headers()
        if key is not None:
            headers["idempotency-key"] = key
        raw = None
        if body is not None:
            headers["content-type"] = "application/json"
            raw = json.dumps(body).encode()
        answer = self._repeat(method, self._url + path, raw, headers)
        if not answer.headers.get("content-type", "").startswith("application/json"):
            raise GraderError(
                "the answer is not one of the API",
                where=self._url + path,
                next_step="compare the URL; a proxy may have answered in the API's place",
            )
        return answer

    def _repeat(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        done: Sequence[int] = (),
    ) -> HttpAnswer:
        """Make a call, again while that may help; also the statuses `done` end it."""
        deadline = time.monotonic() + self._retry_seconds
        attempt = 0
        while True:
            error: GraderError
            try:
                answer = self._connections.call(
                    method, url, body=body, headers=headers, seconds=_ANSWER_SECONDS
                )
                if answer.status < HTTPStatus.MULTIPLE_CHOICES or answer.status in done:
                    return answer
                error = error_of(answer, url.partition("?")[0])
                if answer.status not in LATER:
                    raise error
            except ConnectionLostError as lost:
                error = lost
            wait = retry_seconds(error) or _backoff(attempt)
            attempt += 1
            if time.monotonic() + wait > deadline:
                raise error
            self._pause(wait)

    def _headers(self) -> dict[str, str]:
        return {"authorization": self._authorization, "accept-encoding": "identity"}


@contextmanager
def open_http_client(
    url: str, *, api_key: str, ca_file: Path | str | None = None
) -> Iterator[HttpGradingClient]:
    """
    Open a client of the HTTP API for the block.

    Args:
        url: Address of the API, such as `https://grading.example.com`.
        api_key: A key of `gradectl api-key create`.
        ca_file: Authorities that are trusted in addition to those of the system.

    Raises:
        SettingsError: The URL is not one, or `ca_file` cannot be read.
    """
    client = HttpGradingClient(url, api_key, ca_file)
    try:
        yield client
    finally:
        client.close()


def _content(source: Source | str | bytes) -> bytes:
    if isinstance(source, Source):
        return source.content
    return source.encode() if isinstance(source, str) else source


def _document(body: bytes) -> Submission | FunctionAnswer:
    """Read a submission, or the answer of a function."""
    try:
        if "exitCode" in json.loads(body):
            return FunctionAnswer.model_validate_json(body)
        return Submission.model_validate_json(body)
    except (ValueError, TypeError) as error:
        raise GraderError("the API answered something else than a submission") from error


def _is_final(document: Submission | FunctionAnswer) -> bool:
    return isinstance(document, FunctionAnswer) or document.status.is_final


def _result_of(document: Submission | FunctionAnswer) -> GradingResult | None:
    """Return a final submission as the result that queue and bucket have."""
    if isinstance(document, FunctionAnswer) or not document.status.is_final:
        return None
    is_done = document.status is SubmissionStatus.COMPLETED
    return GradingResult(
        request_id=document.request_id,
        status=Status.COMPLETED if is_done else Status.FAILED,
        result=document.result,
        error=document.error,
        timestamp=document.finished_at or datetime.now(UTC),
    )


def _backoff(attempt: int) -> float:
    """Return the pause before an attempt, with jitter, so that clients do not come back at once."""
    longest = min(_FIRST_PAUSE_SECONDS * (1 << min(attempt, 10)), _LONGEST_PAUSE_SECONDS)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - not a secret
