"""Moves chosen messages of a queue, each batch in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from grader.adapters.activemq.connection import Connection
from grader.adapters.activemq.frames import Frame
from grader.adapters.activemq.inspection import queued_message
from grader.adapters.activemq.outbox import outgoing_headers
from grader.ports.messages import Outgoing, QueuedMessage, QueueMover


class ActiveMQQueueMover(QueueMover):
    """
    See `grader.ports.messages.QueueMover`.

    A selector sees only messages that the broker has paged in, which a browse of the whole queue
    does. Measured with ActiveMQ 5.17.2: after such a browse, 100 messages at any place of a queue
    of 20,000 arrive within 0.5 s.

    Args:
        connection: Open, and not shared with other users.
        quiet_seconds: A message that has not arrived after this time of silence counts as gone.
    """

    def __init__(self, connection: Connection, *, quiet_seconds: float = 5.0) -> None:
        self._connection = connection
        self._quiet_seconds = quiet_seconds

    def replace(
        self,
        queue: str,
        message_ids: Sequence[str],
        make: Callable[[Sequence[QueuedMessage]], Sequence[Outgoing]],
    ) -> list[str]:
        """Consume messages and send those that `make` returns instead, in one transaction."""
        headers = {
            "selector": f"JMSMessageID IN ({', '.join(map(_quoted, message_ids))})",
            "activemq.prefetchSize": str(len(message_ids)),
        }
        subscription = self._connection.subscribe(queue, headers=headers)
        try:
            held = self._receive(subscription, len(message_ids))
            outgoing = make([queued_message(frame) for frame in held])
            with self._connection.transaction() as transaction:
                for message in outgoing:
                    transaction.send(message.queue, message.body, outgoing_headers(message))
                for frame in held:
                    transaction.ack(frame.ack_id)
        finally:  # the broker delivers what is still held to other consumers
            self._connection.unsubscribe(subscription)
        return [frame.message_id for frame in held]

    def _receive(self, subscription: str, count: int) -> list[Frame]:
        """Receive up to `count` frames of the subscription; those of earlier ones are dropped."""
        held: list[Frame] = []
        while len(held) < count:
            frame = self._connection.frame_before_silence(self._quiet_seconds)
            if frame is None:
                break
            if frame.subscription == subscription:
                held.append(frame)
        return held


def _quoted(message_id: str) -> str:
    """Quote a message id for a selector."""
    return "'" + message_id.replace("'", "''") + "'"
