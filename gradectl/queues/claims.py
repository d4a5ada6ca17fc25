"""
Finds out which messages of a queue are in flight, as far as that can be known; pure.

A browsed message in flight looks like any other. Measured with ActiveMQ 5.17.2: its headers are the
same, `redelivered` only says that an earlier consumer was lost, and no selector tells it apart. The
broker only counts them. But a worker claims a request in the database before it starts, so the
claims name the messages and their workers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from grader.contract.names import ORIGINAL_ID_HEADER
from grader.ports.messages import QueuedMessage


@dataclass
class Claims:
    """
    The claimed messages of a queue that is being read.

    Args:
        in_flight: Messages in flight, by the counter of the broker.
        held: Claims that hold: original id of the message to worker; None if they are not known.
    """

    in_flight: int
    held: Mapping[str, str] | None = None
    _found: dict[str, str] = field(default_factory=dict)

    def note(self, message: QueuedMessage) -> None:
        """Remember a message if it is claimed."""
        worker = (self.held or {}).get(
            message.headers.get(ORIGINAL_ID_HEADER) or message.message_id
        )
        if worker is not None:
            self._found[message.message_id] = worker

    @property
    def workers(self) -> Mapping[str, str]:
        """
        The claimed messages and their workers.

        Empty if there are more claims than messages in flight: the claim of a worker that died
        holds for some minutes, so it cannot be told which of them are in flight.
        """
        return self._found if len(self._found) <= self.in_flight else {}

    @property
    def summary(self) -> str:
        """How many messages are in flight, and how many of them are marked."""
        counted = f"{self.in_flight} of them in flight"
        if self.held is None:
            return counted
        return f"{counted}, {len(self.workers)} marked by their claims"
