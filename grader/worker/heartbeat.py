"""
Holds the message of a running job, where the queue holds it for a limited time only.

Each job has a thread of its own for it: the job itself, a call of another job that hangs, and a
shutdown of the worker do not delay it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from grader.errors import GraderError
from grader.logs import Logger
from grader.ports.messages import Delivery, JobSource
from grader.worker.background import in_background

#: A message is extended when this share of its time is over.
_INTERVALS = 3
#: After an error, the next try comes after this share of its time.
_TRIES = 30
#: How long the end of a job waits for a call in flight, which could undo a delay set after it.
_JOIN_SECONDS = 1.0


@contextmanager
def holding(source: JobSource, delivery: Delivery, log: Logger) -> Iterator[None]:
    """
    Extend a delivery on a background thread while the block runs; errors are logged.

    Args:
        source: The source of the delivery.
        delivery: The message of the job.
        log: Log of the worker.
    """
    hold_seconds = source.hold_seconds
    if hold_seconds is None:
        yield
        return
    heartbeat = Heartbeat(source, delivery, hold_seconds, log)
    with in_background("heartbeat", heartbeat.run, join_seconds=_JOIN_SECONDS):
        yield


@dataclass(frozen=True)
class Heartbeat:
    """
    Extends one delivery.

    Args:
        source: Its source.
        delivery: The message.
        hold_seconds: How long it is held after each extension.
        log: Log of the worker.
    """

    source: JobSource
    delivery: Delivery
    hold_seconds: float
    log: Logger

    def run(self, ended: threading.Event) -> None:
        """
        Extend until `ended` is set, or until the message is lost.

        The job of a lost message goes on: its result is stored unless another attempt has begun,
        and is sent when the message is received again.
        """
        pause_seconds = self.hold_seconds / _INTERVALS
        while not ended.wait(pause_seconds):
            try:
                held = self.source.extend(self.delivery)
                pause_seconds = self.hold_seconds / _INTERVALS
            except Exception as error:  # noqa: BLE001 - the job does not depend on one extension
                self._warn("Message not extended, trying again", error)
                pause_seconds = self.hold_seconds / _TRIES
                continue
            if not held:
                if not ended.is_set():
                    self._warn("Message is no longer held, another worker may receive it")
                return

    def _warn(self, message: str, error: Exception | None = None) -> None:
        unexpected = None if isinstance(error, GraderError) else error
        self.log.warning(
            message,
            message_id=self.delivery.message_id,
            queue=self.delivery.queue,
            **({"reason": str(error)} if error else {}),
            exc_info=unexpected,
        )
