"""The calls of SQS that the grading system makes, with its errors."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from grader.adapters.sqs.addresses import QueueUrls
from grader.adapters.sqs.envelope import unwrap, wrap
from grader.errors import AccessError, ConnectionLostError, GraderError, SettingsError
from grader.ports.messages import Outgoing

#: Longest time of a message in flight, from its receipt on; a fixed limit of SQS.
MOST_SECONDS_IN_FLIGHT = 43_200
#: Longest long poll.
MOST_WAIT_SECONDS = 20
#: Most messages of one receive, and of one batch.
MOST_AT_ONCE = 10
#: Longest delay of a message that is sent.
MOST_DELAY_SECONDS = 900

# A long poll answers after 20 s, so reading must wait longer; the visibility timeout is longer
# still, so that a message whose answer was lost comes back.
_CONFIG = Config(
    connect_timeout=5,
    read_timeout=MOST_WAIT_SECONDS + 10,
    retries={"mode": "standard", "max_attempts": 3},
    max_pool_connections=32,
)
_DENIED = frozenset(
    {
        "AccessDenied",
        "AccessDeniedException",
        "AWS.SimpleQueueService.AccessDenied",
        "ExpiredToken",
        "InvalidClientTokenId",
        "InvalidSecurity",
        "KmsAccessDenied",
        "KMS.AccessDeniedException",
        "UnrecognizedClientException",
    }
)
_NO_QUEUE = frozenset(
    {
        "AWS.SimpleQueueService.NonExistentQueue",
        "QueueDoesNotExist",
        "QueueDeletedRecently",
        "AWS.SimpleQueueService.QueueDeletedRecently",
        "InvalidAddress",
    }
)
_NOT_IN_FLIGHT = frozenset(
    {
        "AWS.SimpleQueueService.MessageNotInflight",
        "InvalidParameterValue",
        "MessageNotInflight",
        "ReceiptHandleIsInvalid",
    }
)


class NotInFlightError(GraderError):
    """The receipt handle holds no message any more: its time is over, or it was received again."""


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
    """

    queue: str
    message_id: str
    handle: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    receives: int = 1
    sent_ms: int = 0


def open_sqs_client(urls: Mapping[str, str], region: str) -> SqsClient:
    """
    Open SQS with credentials and endpoint from the process environment.

    Args:
        urls: URL of each queue by its name.
        region: Region of the queues.

    Raises:
        SettingsError: A URL is invalid, or of another region.
    """
    client = boto3.client("sqs", region_name=region, config=_CONFIG)
    return SqsClient(client, QueueUrls(urls, region))


class SqsClient:
    """
    Queues by name; thread-safe.

    Each method raises `ConnectionLostError` when SQS does not answer or throttles, `AccessError`
    when a right is missing, and `SettingsError` when the queue does not exist.

    Args:
        client: A boto3 client of SQS.
        urls: URL of each queue by its name.
    """

    def __init__(self, client: Any, urls: Mapping[str, str]) -> None:  # noqa: ANN401 - boto3 creates its client classes at run time
        self._client = client
        self.urls = urls

    def send(self, message: Outgoing) -> None:
        """Send a message; returns after SQS has stored it."""
        text, attributes = wrap(message.body, message.headers)
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

        Args:
            queue: Name of the queue.
            count: Most messages, 1 to 10.
            wait_seconds: How long SQS waits for the first one, 0 to 20.
            visibility_seconds: How long they stay hidden.
        """
        with self._translated(queue):
            answer = self._client.receive_message(
                QueueUrl=self._url(queue),
                MaxNumberOfMessages=count,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=visibility_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["ApproximateReceiveCount", "SentTimestamp"],
            )
        return [_received(queue, each) for each in answer.get("Messages", [])]

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
            NotInFlightError: The receipt handle holds it no more.
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
    )


def _error(error: ClientError, url: str) -> GraderError:
    code = error.response["Error"]["Code"]
    text = error.response["Error"].get("Message") or str(error)
    if code in _NOT_IN_FLIGHT:
        return NotInFlightError(text, where=url)
    if code in _DENIED:
        return AccessError(text, where=url, next_step="check the role's policy")
    if code in _NO_QUEUE:
        return SettingsError(text, where=url, next_step="check the URLs of the queues")
    return ConnectionLostError(text, where=url)
