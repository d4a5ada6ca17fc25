"""The calls of SQS that the grading system makes, with its errors."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

from grader.adapters.sqs.addresses import QueueUrls
from grader.adapters.sqs.bodies import SIZE_ATTRIBUTE, SIZE_ATTRIBUTES, BodyStore
from grader.adapters.sqs.envelope import bounded, size, unwrap, wrap
from grader.errors import (
    AccessError,
    ConnectionLostError,
    GraderError,
    SettingsError,
    TemporaryError,
)
from grader.ports.messages import Outgoing

#: Longest time of a message in flight, from its receipt on; a fixed limit of SQS.
MOST_SECONDS_IN_FLIGHT = 43_200
#: Longest long poll.
MOST_WAIT_SECONDS = 20
#: Most messages of one receive, and of one batch.
MOST_AT_ONCE = 10
#: Longest delay of a message that is sent.
MOST_DELAY_SECONDS = 900

_CONFIG = Config(
    connect_timeout=5,
    read_timeout=10,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=32,
)
# A long poll answers after 20 s, so reading must wait longer. A message whose answer was lost comes
# back after its visibility timeout.
_POLL_CONFIG = _CONFIG.merge(Config(read_timeout=MOST_WAIT_SECONDS + 10, max_pool_connections=64))
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "ExpiredToken",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "InvalidSignatureException",
        "KmsAccessDenied",
        "KMS.AccessDeniedException",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
    }
)
_NO_QUEUE = frozenset(
    {
        "InvalidAddress",
        "NonExistentQueue",
        "QueueDeletedRecently",
        "QueueDoesNotExist",
    }
)
_NOT_IN_FLIGHT = frozenset(
    {
        "InvalidParameterValue",
        "InvalidParameterValueException",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)
#: The calls with a receipt handle, in which an invalid parameter is a handle that is over.
_OF_RECEIPTS = frozenset({"ChangeMessageVisibility", "DeleteMessage"})
_INVALID = frozenset(
    {"InvalidMessageContents", "InvalidParameterValue", "InvalidParameterValueException"}
)
_CLOCK = re.compile(
    "signature (?:expired|not yet current)|RequestExpired|RequestTimeTooSkewed", re.IGNORECASE
)
_THROTTLED = re.compile("throttl|OverLimit", re.IGNORECASE)
#: A message of this size fits into every queue that is used; larger ones ask for the queue's limit.
LEAST_LIMIT_BYTES = 64 << 10
#: The limit of a queue whose attributes may not be read.
_USUAL_LIMIT_BYTES = 256 << 10
_SYSTEM_ATTRIBUTES = (
    "ApproximateFirstReceiveTimestamp",
    "ApproximateReceiveCount",
    "DeadLetterQueueSourceArn",
    "SentTimestamp",
)
_MOST_HEADER_BYTES = 32 << 10


@contextmanager
def after_opening() -> Generator[None]:
    """
    Raise a refusal as `ConnectionLostError`, where queue and rights were there before.

    A deleted queue or a right that was taken away may come back, and changes of rights take effect
    minutes later; the text still names call and queue.
    """
    try:
        yield
    except (AccessError, SettingsError) as error:
        lost = ConnectionLostError(error.what, where=error.where, next_step=error.next_step)
        raise lost from error


class NotInFlightError(GraderError):
    """The receipt handle no longer holds a message: its time is over, or it was received again."""


@dataclass(frozen=True)
class ReceivedMessage:
    """
    A message in flight.

    Attributes:
        queue: Name of its queue.
        message_id: Id that SQS gave it.
        handle: Receipt handle of this receipt.
        body: Its body.
        headers: Its attributes.
        receives: How often it was received, this time included.
        sent_ms: When it was sent, Unix time in milliseconds.
        source_arn: ARN of the queue whose redrive policy made it a dead letter; empty for others.
        first_received_ms: When it was received for the first time, Unix time in milliseconds.
    """

    queue: str
    message_id: str
    handle: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    receives: int = 1
    sent_ms: int = 0
    source_arn: str = ""
    first_received_ms: int = 0


def open_sqs_client(
    urls: Mapping[str, str], region: str, bodies: Callable[[], BodyStore] | None = None
) -> SqsClient:
    """
    Open SQS with credentials and endpoint from the process environment.

    Args:
        urls: URL of each queue by its name.
        region: Region of the queues.
        bodies: Opens, on first use, where bodies are kept that are too large for SQS.

    Raises:
        SettingsError: A URL is invalid, or of another region.
    """
    client, polls = (
        boto3.client("sqs", region_name=region, config=config) for config in (_CONFIG, _POLL_CONFIG)
    )
    return SqsClient(client, QueueUrls(urls, region), bodies, polls)


class SqsClient:
    """
    Queues by name; thread-safe.

    Each method raises `ConnectionLostError` when SQS does not answer or throttles, `AccessError`
    when a right is missing, and `SettingsError` when the queue does not exist.

    Args:
        client: A boto3 client of SQS.
        urls: URL of each queue by its name.
        bodies: Opens, on first use, where bodies are kept that are too large for SQS; without it,
            they are refused.
        polls: A boto3 client for receiving, which waits longer for an answer.
    """

    def __init__(
        self,
        client: Any,  # noqa: ANN401 - boto3 creates its client classes at run time
        urls: Mapping[str, str],
        bodies: Callable[[], BodyStore] | None = None,
        polls: Any = None,  # noqa: ANN401 - as `client`
    ) -> None:
        self._client = client
        self._polls = polls or client
        self._open_bodies = bodies
        self._limits: dict[str, int] = {}
        self.urls = urls

    def send(self, message: Outgoing) -> None:
        """
        Send a message; returns after SQS has stored it.

        A body that is too large for the queue is stored in the bucket before.
        """
        text, attributes = self.fitting(message)
        delay_seconds = min(-(-message.delay_ms // 1000), MOST_DELAY_SECONDS)
        with self._translated(message.queue):
            self._client.send_message(
                QueueUrl=self._url(message.queue),
                MessageBody=text,
                MessageAttributes=attributes,
                DelaySeconds=delay_seconds,
            )

    def receive(
        self, queue: str, *, count: int, wait_seconds: int, visibility_seconds: int
    ) -> list[ReceivedMessage]:
        """
        Receive messages, and hide them from other consumers.

        A body in the bucket is read; a pointer that cannot be followed stays the body. If the
        bucket cannot be reached, the messages become visible again.

        Args:
            queue: Name of the queue.
            count: Most messages, 1 to 10.
            wait_seconds: How long SQS waits for the first one, 0 to 20.
            visibility_seconds: How long they stay hidden.
        """
        with self._translated(queue):
            answer = self._polls.receive_message(
                QueueUrl=self._url(queue),
                MaxNumberOfMessages=count,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=visibility_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=_SYSTEM_ATTRIBUTES,
            )
        messages = [_received(queue, each) for each in answer.get("Messages", [])]
        try:
            return [self._loaded(each) for each in messages]
        except GraderError as error:
            self._return(messages)
            if isinstance(error, TemporaryError):
                raise ConnectionLostError(error.what, where=error.where) from error
            raise

    def delete(self, message: ReceivedMessage) -> None:
        """Delete a message in flight; one that is deleted already is not an error."""
        with self._translated(message.queue):
            self._client.delete_message(
                QueueUrl=self._url(message.queue), ReceiptHandle=message.handle
            )

    def hide(self, message: ReceivedMessage, seconds: int) -> None:
        """
        Set how long a message in flight stays hidden from now on; 0 returns it to its queue.

        Raises:
            NotInFlightError: The receipt handle no longer holds it.
        """
        with self._translated(message.queue):
            self._client.change_message_visibility(
                QueueUrl=self._url(message.queue),
                ReceiptHandle=message.handle,
                VisibilityTimeout=seconds,
            )

    def attributes(self, queue: str) -> dict[str, str]:
        """Read the attributes of a queue, such as `ApproximateNumberOfMessages`."""
        with self._translated(queue):
            answer = self._client.get_queue_attributes(
                QueueUrl=self._url(queue), AttributeNames=["All"]
            )
        return dict(answer.get("Attributes", {}))

    def limit_bytes(self, queue: str) -> int:
        """Return the size of the largest message of a queue, read once."""
        if queue not in self._limits:
            try:
                found = self.attributes(queue).get("MaximumMessageSize", _USUAL_LIMIT_BYTES)
            except AccessError:  # a sender needs no right to read attributes
                found = _USUAL_LIMIT_BYTES
            self._limits[queue] = int(found)
        return self._limits[queue]

    def fitting(self, message: Outgoing) -> tuple[str, dict[str, dict[str, str]]]:
        """Return `MessageBody` and `MessageAttributes`; stores a body that is too large."""
        headers = bounded(message.headers, _MOST_HEADER_BYTES)
        text, attributes = wrap(message.body, headers)
        needed = size(text, attributes)
        if needed <= LEAST_LIMIT_BYTES or needed <= self.limit_bytes(message.queue):
            return text, attributes
        bodies = self._bodies
        if bodies is None:
            raise SettingsError(
                f"the message has {needed} bytes, at most {self.limit_bytes(message.queue)} fit",
                where=self._url(message.queue),
                next_step="send a smaller message, or give the client a bucket",
            )
        try:
            text, attributes = wrap(bodies.put(message.body), headers)
        except TemporaryError as error:
            raise ConnectionLostError(error.what, where=error.where) from error
        number = {"DataType": "Number", "StringValue": str(len(message.body))}
        return text, attributes | {SIZE_ATTRIBUTE: number}

    @cached_property
    def _bodies(self) -> BodyStore | None:
        return self._open_bodies() if self._open_bodies else None

    def _loaded(self, message: ReceivedMessage) -> ReceivedMessage:
        is_pointer = not message.headers.keys().isdisjoint(SIZE_ATTRIBUTES)
        body = self._bodies.get(message.body) if is_pointer and self._bodies else None
        if body is None:
            return message
        headers = {
            key: value for key, value in message.headers.items() if key not in SIZE_ATTRIBUTES
        }
        return replace(message, body=body, headers=headers)

    def _return(self, messages: Sequence[ReceivedMessage]) -> None:
        for message in messages:
            with suppress(GraderError):  # it becomes visible when its time is over
                self.hide(message, 0)

    def _url(self, queue: str) -> str:
        try:
            return self.urls[queue]
        except KeyError:
            raise SettingsError(
                "there is no such queue",
                where=queue,
                next_step=f"use one of {', '.join(self.urls)}",
            ) from None

    @contextmanager
    def _translated(self, queue: str) -> Generator[None]:
        try:
            yield
        except ClientError as error:
            raise _error(error, self.urls[queue]) from error
        except NoCredentialsError as error:
            next_step = "check the role of the task, or the profile"
            raise AccessError(str(error), where=self.urls[queue], next_step=next_step) from error
        except BotoCoreError as error:
            raise ConnectionLostError(str(error), where=self.urls[queue]) from error


def _received(queue: str, message: Mapping[str, Any]) -> ReceivedMessage:
    body, headers = unwrap(message["Body"], message.get("MessageAttributes", {}))
    system = message.get("Attributes", {})
    return ReceivedMessage(
        queue=queue,
        message_id=message["MessageId"],
        handle=message["ReceiptHandle"],
        body=body,
        headers=headers,
        receives=int(system.get("ApproximateReceiveCount", 1)),
        sent_ms=int(system.get("SentTimestamp", 0)),
        source_arn=system.get("DeadLetterQueueSourceArn", ""),
        first_received_ms=int(system.get("ApproximateFirstReceiveTimestamp", 0)),
    )


def _error(error: ClientError, url: str) -> GraderError:
    code = error.response["Error"]["Code"].removeprefix("AWS.SimpleQueueService.")
    text = error.response["Error"].get("Message") or str(error)
    kind, next_step = _kind(code, text, error.operation_name)
    return kind(f"{error.operation_name}: {text}", where=url, next_step=next_step)


def _kind(code: str, text: str, call: str) -> tuple[type[GraderError], str]:
    """Return the class of an error of SQS, and what to do about it."""
    if code in _NOT_IN_FLIGHT and call in _OF_RECEIPTS:
        return NotInFlightError, ""
    if _CLOCK.search(f"{code} {text}"):
        return ConnectionLostError, "correct the clock of this machine"
    if code in _DENIED:
        return AccessError, "check the policies of the role and of the queue, and the account"
    if code in _NO_QUEUE:
        return SettingsError, "check region, account and name in the URL of the queue"
    if code in _INVALID:
        return SettingsError, ""
    return ConnectionLostError, "SQS throttles" if _THROTTLED.search(code) else ""
