"""Counts the messages of queues; SQS cannot show a message without receiving it."""

from __future__ import annotations

from collections.abc import Sequence
from time import time
from typing import NoReturn

from grader.adapters.sqs.client import SqsClient
from grader.errors import SettingsError
from grader.ports.messages import QueuedMessage, QueueStatistics


class UnsupportedError(SettingsError):
    """SQS cannot do this."""


class SqsQueueInspector:
    """
    See `grader.ports.messages.QueueInspector`.

    The counts are approximate: SQS takes up to a minute to reflect a change.

    Args:
        client: The queues.
    """

    def __init__(self, client: SqsClient) -> None:
        self._client = client

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """
        Read the counters of those `queues` that exist.

        Raises:
            ConnectionLostError: SQS does not answer, or throttles.
            AccessError: The right to read the attributes is missing.
        """
        found: dict[str, QueueStatistics] = {}
        for queue in queues:
            if queue not in self._client.urls:
                continue
            try:
                attributes = self._client.attributes(queue)
            except SettingsError:
                continue  # it was deleted
            found[queue] = _statistics(queue, attributes)
        return found

    def browse(self, queue: str, selector: str = "") -> list[QueuedMessage]:  # noqa: ARG002 - the port's
        """Raise `UnsupportedError`."""
        _refuse(queue)

    def peek(self, queue: str, count: int, selector: str = "") -> list[QueuedMessage]:  # noqa: ARG002 - the port's
        """Raise `UnsupportedError`."""
        _refuse(queue)


def _refuse(queue: str) -> NoReturn:
    raise UnsupportedError(
        "SQS shows no message without receiving it",
        where=queue,
        next_step="receive a sample instead; each costs the message a receive",
    )


def _statistics(queue: str, attributes: dict[str, str]) -> QueueStatistics:
    def count(suffix: str) -> int:
        return int(attributes.get(f"ApproximateNumberOfMessages{suffix}", 0))

    in_flight, delayed = count("NotVisible"), count("Delayed")
    return QueueStatistics(
        queue=queue,
        size=count("") + in_flight + delayed,
        in_flight=in_flight,
        consumers=None,
        producers=0,
        enqueued=0,
        dequeued=0,
        expired=0,
        taken_at_ms=round(time() * 1000),
        delayed=delayed,
    )
