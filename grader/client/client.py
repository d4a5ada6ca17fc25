"""The client of the grading system: submit, result, wait."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.adapters.s3 import open_object_store
from grader.adapters.ssm import open_parameter_store
from grader.client.results import stored_result, wait_for_result
from grader.client.submission import (
    MAX_SOURCE_BYTES,
    Limits,
    Source,
    make_request,
    upload_source,
)
from grader.client.transport import following_sender
from grader.contract.messages import GradingResult, JobRequest
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE
from grader.contract.verdicts import ErrorCode
from grader.errors import HiddenObjectError, RequestError
from grader.ports.messages import MessageSender
from grader.ports.stores import ObjectStore


class GradingClient:
    """
    Submits programs and reads their results; thread-safe. Usually made by `open_client`.

    Each method raises `TemporaryError` when the bucket cannot be reached and `AccessError` when a
    right is missing.

    Args:
        bucket: Name of the bucket.
        store: The bucket.
        sender: Sends to the queues of requests.
    """

    def __init__(self, bucket: str, store: ObjectStore, sender: MessageSender) -> None:
        self._bucket = bucket
        self._store = store
        self._sender = sender

    def submit(  # noqa: PLR0913 - the three that every submission has, and named options
        self,
        problem_id: str,
        language: str,
        source: Source | str | bytes,
        *,
        user_id: str,
        limits: Limits | None = None,
        request_id: str | None = None,
        priority: bool = False,
    ) -> str:
        """
        Upload a program and send its request; returns after broker or SQS have stored it.

        Args:
            problem_id: Id of a problem in the bucket.
            language: A language of the workers, such as `python`.
            source: The program, at most `MAX_SOURCE_BYTES`.
            user_id: Who submits, at most 128 characters.
            limits: Limits of each test case; 5,000 ms and 256 MB by default.
            request_id: An id of your own; the same one never leads to two results, so a submission
                may be repeated with it after an error.
            priority: Send to the urgent queue.

        Returns:
            The request id.

        Raises:
            RequestError: A value is invalid, or the program too large.
            ConnectionLostError: Broker or SQS do not answer; repeat it with the same `request_id`.
        """
        file = source if isinstance(source, Source) else _as_source(source, language)
        if not 0 < len(file.content) <= MAX_SOURCE_BYTES:
            text = f"source: {len(file.content)} bytes; allowed are 1 to {MAX_SOURCE_BYTES}"
            raise RequestError(ErrorCode.SOURCE_TOO_LARGE, text)
        request = make_request(
            bucket=self._bucket,
            problem_id=problem_id,
            language=language,
            source=file,
            limits=limits or Limits(),
            user_id=user_id,
            request_id=request_id,
        )
        upload_source(self._store, request, file)
        send_request(self._sender, PRIORITY_QUEUE if priority else REQUESTS_QUEUE, request)
        return request.request_id

    def result(self, request_id: str) -> GradingResult | None:
        """Read the result; None while there is none, or it may not be read."""
        try:
            return stored_result(self._store, request_id)
        except HiddenObjectError:  # also the answer to a missing one, without the right to list
            return None

    def wait(self, request_id: str, timeout_seconds: float) -> GradingResult:
        """
        Wait for the result, by reading the bucket at intervals of 20 ms to 2 s.

        Raises:
            NoResultError: There is none within `timeout_seconds`; the request stays queued.
        """
        return wait_for_result(self._store, request_id, timeout_seconds)


def send_request(sender: MessageSender, queue: str, request: JobRequest) -> None:
    """Send a request; returns after broker or SQS have stored it."""
    sender.send(queue, request.to_json(), {"correlation-id": request.request_id})


@contextmanager
def open_client(
    environment: str,
    *,
    region: str,
    bucket: str | None = None,
    ca_file: Path | str | None = None,
) -> Iterator[GradingClient]:
    """
    Open a client for the block, with credentials and endpoint of AWS from the process environment.

    Requests go to the broker or to SQS, whichever the environment uses; a switch is noticed within
    a minute, or at the first error. The broker is connected to when the first request is sent, as
    the user `web` of the environment, or as the admin where the broker has no such user, and again
    after a loss.

    Args:
        environment: Name of the environment.
        region: Its region, such as `ap-northeast-2`.
        bucket: Its bucket; `ENVIRONMENT-grading-files` by default.
        ca_file: Certificate authorities that the broker's certificate is checked against; those of
            the system by default.

    Raises:
        SettingsError: The environment's parameters do not exist.
    """
    parameters = open_parameter_store(region)
    sender = following_sender(parameters, environment, region=region, ca_file=ca_file)
    name = bucket or f"{environment}-grading-files"
    try:
        yield GradingClient(name, open_object_store(name, region), sender)
    finally:
        sender.close()


def _as_source(source: str | bytes, language: str) -> Source:
    """Name a program after its language; workers choose by language, not by name."""
    content = source.encode() if isinstance(source, str) else source
    return Source(f"solution.{language}", content)
