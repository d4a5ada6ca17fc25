"""One consumer: receives a message, has it processed, records the result and settles it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from grader.errors import AccessError, ConnectionLostError, GraderError, StoppingError
from grader.logs import Logger
from grader.ports.messages import Delivery, JobSource
from grader.ports.results import NoResultBus, ResultBus
from grader.worker.activity import ActiveJobs
from grader.worker.heartbeat import holding
from grader.worker.processor import JobProcessor
from grader.worker.recorder import ResultRecorder
from grader.worker.retry import Retrier
from grader.worker.settlement import (
    AlreadyDone,
    DeliveryPolicy,
    Done,
    Outcome,
    Retry,
    Settlement,
    settle,
)

#: How soon an idle consumer notices a shutdown, in seconds.
_IDLE_SECONDS = 0.5


def _release_of(source: JobSource) -> Callable[[], None]:
    """Return what returns its message; the end of the process does that to a connection's."""
    return source.close if source.hold_seconds is not None else lambda: None


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Consumer:
    """
    Works on one message at a time until shutdown.

    Args:
        name: Name of its health check.
        open_source: Opens a connection of its own; raises `ConnectionLostError`.
        processor: Turns a message into an outcome.
        policy: How outcomes are settled.
        recorder: Stores results.
        retrier: Repeats connecting to the broker.
        stopping: Set when no further message is to be taken.
        log: Log of the worker.
        active: Shows since when a message is being worked on.
        results: Passes stored results on.
        clock: Gives the time of a failed result, UTC.
    """

    name: str
    open_source: Callable[[], JobSource]
    processor: JobProcessor
    policy: DeliveryPolicy
    recorder: ResultRecorder
    retrier: Retrier
    stopping: threading.Event
    log: Logger
    active: ActiveJobs = field(default_factory=ActiveJobs)
    results: ResultBus = field(default_factory=NoResultBus)
    clock: Callable[[], datetime] = _now
    _was_connected: threading.Event = field(default_factory=threading.Event, init=False)
    _has_settled: threading.Event = field(default_factory=threading.Event, init=False)

    def run(self) -> None:
        """
        Work until shutdown; a lost connection is opened again, with backoff.

        Raises:
            GraderError: The broker refuses for good: an untrusted certificate, a missing right to
                read or write a queue, or a password that was wrong from the start.
        """
        try:
            while not self.stopping.is_set():
                self.retrier.call(self.name, self._session, (ConnectionLostError,))
        except StoppingError as error:
            self.log.info(str(error))
        except GraderError as error:
            self.retrier.health.bad(self.name, str(error))
            message = f"Cannot work with this {self._service}, ending"
            self.log.error(  # noqa: TRY400 - the caller logs it again, with the traceback
                message, part=self.name, reason=str(error)
            )
            raise
        self.retrier.health.bad(self.name, "stopped")

    def _session(self) -> None:
        """
        Work over one connection until it is lost or the worker shuts down.

        Raises:
            ConnectionLostError: It was lost before any message was settled, so reconnecting needs
                a backoff: a broker whose result queue is full ends every connection this way.
        """
        source = self._open()
        self.retrier.health.good(self.name, "connected")
        self._has_settled.clear()
        try:
            while not self.stopping.is_set():
                delivery = source.receive(_IDLE_SECONDS)
                if delivery is not None:
                    self.active.begin(self.name, _release_of(source))
                    self._serve(source, delivery)
                    self.active.end(self.name)
            source.confirm()
        except StoppingError:
            with suppress(GraderError):  # the result before is logged, if it was sent
                source.confirm()
            raise
        except ConnectionLostError as error:
            if not self._has_settled.is_set():
                raise
            message = f"Connection to the {self._service} lost"
            self.log.warning(message, reason=str(error))
        finally:
            self.active.end(self.name)
            source.close()

    @property
    def _service(self) -> str:
        """What it is connected to, as logs call it."""
        return self.name.partition("-")[0]

    def _open(self) -> JobSource:
        """
        Connect; raises as `open_source`.

        A login that worked before is tried again after a refusal: while a password is changed, the
        broker and the parameter differ for a while.
        """
        try:
            source = self.open_source()
        except AccessError as error:
            if not self._was_connected.is_set():
                raise
            raise ConnectionLostError(str(error)) from error
        self._was_connected.set()
        return source

    def _serve(self, source: JobSource, delivery: Delivery) -> None:
        with holding(source, delivery, self.log):
            outcome, settlement = self._work(source, delivery)
        confirmed = partial(self._confirmed, settlement)
        if isinstance(outcome, Retry):
            (copy,) = settlement.outgoing
            source.postpone(delivery, copy, confirmed)
        else:
            source.settle(delivery, settlement.outgoing, confirmed)
        if not isinstance(outcome, Done):
            source.confirm()  # a message that cannot be settled delays the next one only once

    def _work(self, source: JobSource, delivery: Delivery) -> tuple[Outcome, Settlement]:
        """Process a message, and store what has to be stored before it is settled."""
        outcome = self.processor.process(delivery, source.confirm)
        if not self.active.settle(self.name):
            raise StoppingError("stopped before the request was done; it was given back")
        settlement = settle(outcome, delivery, self.policy, self.clock())
        if isinstance(outcome, Done):
            source.prepare(delivery, settlement.outgoing)
        if settlement.record is not None and not self.recorder.record(settlement, source.withdraw):
            source.withdraw()
            outcome = self.processor.superseded(settlement.record.request_id, delivery)
            settlement = settle(outcome, delivery, self.policy, self.clock())
        if isinstance(outcome, AlreadyDone) or (isinstance(outcome, Done) and outcome.attempt > 1):
            self.recorder.restore(outcome.result)
        if isinstance(outcome, Retry) and outcome.attempt:
            self.recorder.note_failure(outcome.request_id, outcome.attempt)
        if settlement.answer is not None:
            self.results.publish(delivery.body, settlement.answer, settlement.attempts)
        return outcome, settlement

    def _confirmed(self, settlement: Settlement) -> None:
        self._has_settled.set()
        if settlement.record is not None and settlement.outgoing:
            self.log.info("Result sent to queue", request_id=settlement.record.request_id)
