"""One slot: receive a message, have it worked on, settle it, and the next."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from grader.errors import ConnectionLostError, GraderError, StoppingError
from grader.logs import Logger
from grader.ports.messages import Delivery, JobSource
from grader.worker.activity import ActiveJobs
from grader.worker.processor import JobProcessor
from grader.worker.retry import Retrier

#: How soon an idle slot notices that it must stop.
_IDLE_SECONDS = 0.5


@dataclass(frozen=True)
class Consumer:
    """
    Works on one message at a time until told to stop.

    Args:
        name: Of its health check.
        open_source: Opens a connection of the slot's own; raises `ConnectionLostError`.
        processor: Does everything between receiving and settling.
        retrier: Waits for the broker.
        stopping: Set when no next message is to be taken.
        log: Where events go.
        running: Is told when a message is begun and done with.
    """

    name: str
    open_source: Callable[[], JobSource]
    processor: JobProcessor
    retrier: Retrier
    stopping: threading.Event
    log: Logger
    running: ActiveJobs = field(default_factory=ActiveJobs)

    def run(self) -> None:
        """
        Work until told to stop; a lost connection is opened again, later and later.

        Raises:
            GraderError: The broker will never serve us as we are: a wrong password, an untrusted
                certificate, a queue that we may not read or write.
        """
        try:
            while not self.stopping.is_set():
                self.retrier.call(self.name, self._session, (ConnectionLostError,))
        except StoppingError as error:
            self.log.info(str(error))
        except GraderError as error:
            self.retrier.health.bad(self.name, str(error))
            self.log.error(  # noqa: TRY400 - it is told once more, with its end, by who started us
                "Cannot work with this broker, ending", part=self.name, reason=str(error)
            )
            raise
        self.retrier.health.bad(self.name, "stopped")

    def _session(self) -> None:
        """
        Work over one connection for as long as it lasts.

        Raises:
            ConnectionLostError: It was lost before anything was settled, so the next one should
                not follow at once: a broker whose result queue is full ends each in this way.
        """
        source = self.open_source()
        self.retrier.health.good(self.name, "connected")
        settled = 0
        try:
            while not self.stopping.is_set():
                delivery = source.receive(_IDLE_SECONDS)
                if delivery is not None:
                    self.running.begin(self.name)
                    self._serve(source, delivery)
                    self.running.end(self.name)
                    settled += 1
        except ConnectionLostError as error:
            if not settled:
                raise
            self.log.warning("Connection to the broker lost", reason=str(error))
        finally:
            self.running.end(self.name)
            source.close()

    def _serve(self, source: JobSource, delivery: Delivery) -> None:
        settlement = self.processor.decide(delivery)
        source.settle(delivery, settlement.outgoing, lambda: self.processor.record(settlement))
        if settlement.record is not None:
            self.log.info("Result sent to queue", request_id=settlement.record.request_id)
