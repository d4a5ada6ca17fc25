"""Sends single messages from any thread."""

from __future__ import annotations

from collections.abc import Mapping

from grader.adapters.sqs.client import SqsClient
from grader.ports.messages import Outgoing


class SqsSender:
    """
    See `grader.ports.messages.MessageSender`.

    Args:
        client: The queues.
    """

    def __init__(self, client: SqsClient) -> None:
        self._client = client

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """
        Send one message; returns after SQS has stored it.

        A message whose answer was lost is sent again, and may arrive twice.

        Raises:
            ConnectionLostError: SQS does not answer, or throttles.
            AccessError: The right to send is missing.
            SettingsError: There is no such queue.
        """
        self._client.send(Outgoing(queue, body, headers))

    def close(self) -> None:
        """Do nothing: SQS has no connection."""
