"""Calls of SQS that only an operator makes: in batches, and about whole queues."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from gradectl.adapters.aws.errors import code_of, translated
from gradectl.errors import GradectlError, TryAgainError
from grader.adapters.sqs.client import MOST_AT_ONCE, MOST_DELAY_SECONDS, ReceivedMessage
from grader.ports.messages import Outgoing

_NO_QUEUE = {"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}
_PURGED = {"AWS.SimpleQueueService.PurgeQueueInProgress", "PurgeQueueInProgress"}
#: Most bytes of one batch, bodies and attributes together.
_BATCH_BYTES = 256 * 1024
#: CloudWatch has the ages of queues in use every minute, some minutes late.
_METRIC_MINUTES = 15
_TRIES = 3
#: Makes `MessageBody` and `MessageAttributes`.
Fitting = Callable[[Outgoing], tuple[str, dict[str, dict[str, str]]]]


class Queues:
    """
    Amazon SQS.

    Args:
        client: A boto3 client of `sqs`.
        metrics: A boto3 client of `cloudwatch`.
    """

    def __init__(self, client: Any, metrics: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client
        self._metrics = metrics

    def url(self, name: str) -> str | None:
        """Find the URL of a queue of this account by its name in AWS; None without such a queue."""
        try:
            with translated(f"queue {name}"):
                answer = self._client.get_queue_url(QueueName=name)
        except GradectlError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and code_of(cause) in _NO_QUEUE:
                return None
            raise
        return str(answer["QueueUrl"])

    def oldest_seconds(self, names: Sequence[str], now: datetime | None = None) -> dict[str, float]:
        """
        Read the age of the oldest message of queues from CloudWatch, which is some minutes old.

        Args:
            names: Names of the queues in AWS.
            now: End of the time that is looked at; this moment when absent.

        Returns:
            The ages of those queues that have one; an idle queue has none.
        """
        end = now or datetime.now(UTC)
        queries = [_age_query(at, name) for at, name in enumerate(names)]
        with translated("CloudWatch"):
            answer = self._metrics.get_metric_data(
                MetricDataQueries=queries,
                StartTime=end - timedelta(minutes=_METRIC_MINUTES),
                EndTime=end,
                ScanBy="TimestampDescending",
            )
        latest = {each["Id"]: each["Values"] for each in answer["MetricDataResults"]}
        found = {name: latest.get(f"age{at}") for at, name in enumerate(names)}
        return {name: float(values[0]) for name, values in found.items() if values}

    def send(self, url: str, messages: Sequence[Outgoing], fitting: Fitting) -> None:
        """
        Send messages to one queue, in batches.

        Args:
            url: URL of the queue.
            messages: The messages.
            fitting: Makes body and attributes of a message.

        Raises:
            GradectlError: Some could not be sent, after three tries; others of them were.
        """
        entries = []
        for at, message in enumerate(messages):
            text, attributes = fitting(message)
            delay_seconds = min(-(-message.delay_ms // 1000), MOST_DELAY_SECONDS)
            entries.append(
                {
                    "Id": str(at),
                    "MessageBody": text,
                    "MessageAttributes": attributes,
                    "DelaySeconds": delay_seconds,
                }
            )
        failed = self._in_batches(url, self._client.send_message_batch, entries)
        if failed:
            raise GradectlError(
                f"{len(failed)} of {len(messages)} messages were not sent: {_why(failed)}",
                where=url,
                next_step="run the same command again",
            )

    def delete(self, url: str, messages: Sequence[ReceivedMessage]) -> list[ReceivedMessage]:
        """Delete messages in flight, in batches; returns those that were not deleted."""
        entries = [
            {"Id": str(at), "ReceiptHandle": each.handle} for at, each in enumerate(messages)
        ]
        failed = self._in_batches(url, self._client.delete_message_batch, entries)
        return [messages[int(each["Id"])] for each in failed]

    def hide(
        self, url: str, messages: Sequence[ReceivedMessage], seconds: int
    ) -> list[ReceivedMessage]:
        """
        Set how long messages in flight stay hidden, in batches; 0 returns them to their queue.

        Returns:
            Those that are not in flight any more.
        """
        entries = [
            {"Id": str(at), "ReceiptHandle": each.handle, "VisibilityTimeout": seconds}
            for at, each in enumerate(messages)
        ]
        failed = self._in_batches(url, self._client.change_message_visibility_batch, entries)
        return [messages[int(each["Id"])] for each in failed]

    def purge(self, url: str) -> None:
        """
        Delete all messages of a queue, also those in flight and those of the next minute.

        Raises:
            TryAgainError: It was purged less than 60 seconds ago.
        """
        try:
            with translated(url):
                self._client.purge_queue(QueueUrl=url)
        except GradectlError as error:
            cause = error.__cause__
            if isinstance(cause, ClientError) and code_of(cause) in _PURGED:
                text = "it was purged less than 60 seconds ago, and SQS allows one purge a minute"
                hint = "wait a minute and run it again"
                raise TryAgainError(text, where=url, next_step=hint) from cause
            raise

    def start_move(self, source: str, destination: str, rate: int | None) -> None:
        """
        Have SQS move all messages of a dead-letter queue.

        Args:
            source: ARN of the dead-letter queue.
            destination: ARN of the queue for all; empty for the one each message came from, which
                SQS knows only of messages that it has moved itself.
            rate: Messages a second; None for as fast as SQS can.
        """
        more: dict[str, Any] = {"DestinationArn": destination} if destination else {}
        more |= {} if rate is None else {"MaxNumberOfMessagesPerSecond": rate}
        with translated(source):
            self._client.start_message_move_task(SourceArn=source, **more)

    def moves(self, source: str) -> list[dict[str, Any]]:
        """List the latest tasks that move messages of a queue, the newest first."""
        with translated(source):
            answer = self._client.list_message_move_tasks(SourceArn=source, MaxResults=10)
        found: list[dict[str, Any]] = answer.get("Results", [])
        return found

    def cancel_move(self, handle: str) -> int:
        """Cancel a task that runs; returns how many messages it has moved."""
        with translated("message move task"):
            answer = self._client.cancel_message_move_task(TaskHandle=handle)
        return int(answer.get("ApproximateNumberOfMessagesMoved", 0))

    def _in_batches(
        self, url: str, call: Callable[..., Any], entries: Sequence[Mapping[str, Any]]
    ) -> list[dict[str, Any]]:
        """Make a call with all entries; what fails by a fault of SQS is tried again."""
        failed: list[dict[str, Any]] = []
        for batch in _batches(entries):
            left = batch
            for _ in range(_TRIES):
                with translated(url):
                    answer = call(QueueUrl=url, Entries=left)
                refused = {each["Id"]: each for each in answer.get("Failed", [])}
                failed += [each for each in refused.values() if each.get("SenderFault")]
                left = [
                    each
                    for each in left
                    if each["Id"] in refused and not refused[each["Id"]].get("SenderFault")
                ]
                if not left:
                    break
            failed += [refused[each["Id"]] for each in left]
        return failed


def _batches(entries: Sequence[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    """Split entries into batches that one call can take."""
    batch: list[Mapping[str, Any]] = []
    size = 0
    for entry in entries:
        own = _bytes(entry)
        if batch and (len(batch) == MOST_AT_ONCE or size + own > _BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += own
    if batch:
        yield batch


def _bytes(entry: Mapping[str, Any]) -> int:
    """Return what an entry counts: body, and names, types and values of the attributes."""
    attributes = entry.get("MessageAttributes", {})
    texts = [entry.get("MessageBody", "")]
    for name, value in attributes.items():
        texts += [name, value["DataType"], value["StringValue"]]
    return sum(len(each.encode()) for each in texts)


def _why(failed: Sequence[Mapping[str, Any]]) -> str:
    first = failed[0]
    return f"{first.get('Code', '')}: {first.get('Message', '')}".strip(": ")


def _age_query(at: int, name: str) -> dict[str, Any]:
    return {
        "Id": f"age{at}",
        "MetricStat": {
            "Metric": {
                "Namespace": "AWS/SQS",
                "MetricName": "ApproximateAgeOfOldestMessage",
                "Dimensions": [{"Name": "QueueName", "Value": name}],
            },
            "Period": 60,
            "Stat": "Maximum",
        },
    }
