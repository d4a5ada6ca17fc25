"""
Passes results and progress on to Redis, on a background thread that no job waits for.

Jobs only put something down here. What a slow or absent service cannot take is dropped and counted:
the queue and the row have each result.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic

from grader.adapters.redis import RedisPublisher
from grader.contract.documents import document_of, fields_of_message
from grader.contract.messages import JobResult
from grader.contract.submissions import Progress
from grader.logs import Logger
from grader.ports.results import (
    NoProgress,
    NoResultBus,
    ProgressSink,
    PushedValue,
    ResultBus,
    ValuePublisher,
    progress_channel,
    result_channel,
)
from grader.worker.column_progress import ColumnProgress
from grader.worker.latest_progress import LatestProgress, MakeProgress
from grader.worker.outage import Outage
from grader.worker.parameters import RedisParameters

#: Results that wait for the thread, and bytes that wait for the service.
_MOST_WAITING = 1000
_MOST_BYTES = 16 << 20
#: Values of one round trip; a service that answers slowly would time out with more.
_MOST_AT_ONCE = 100
_CLOSE_SECONDS = 1.0
_FIRST_BACKOFF_SECONDS = 0.5
_LONGEST_BACKOFF_SECONDS = 10.0
#: Time between two values of progress over Redis.
_REDIS_INTERVAL_SECONDS = 0.1


@dataclass(frozen=True)
class _Finished:
    """A result as the job put it down."""

    body: bytes
    result: JobResult
    attempts: int

    def to_value(self) -> PushedValue:
        """Make the text that its owner gets."""
        request_id = self.result.request_id
        job = fields_of_message(self.body, request_id)
        text = document_of(job, self.result, attempts=self.attempts).to_json()
        return PushedValue(result_channel(request_id), text, progress_channel(request_id))


def _value_of(request_id: str, progress: Progress) -> PushedValue:
    return PushedValue(progress_channel(request_id), progress.to_json())


class PushedResults:
    """
    Publishes results and progress; `grader.ports.results.ResultBus` and `ProgressSink`.

    Args:
        publisher: Used by the thread only.
        log: Log of the worker.
        clock: Monotonic time, seconds.
    """

    def __init__(
        self,
        publisher: ValuePublisher,
        log: Logger,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._latest = LatestProgress(_REDIS_INTERVAL_SECONDS, clock=clock)
        self._outage = Outage(log, "Results", "Redis")
        self._changed = threading.Condition()
        self._finished: deque[_Finished] = deque()
        self._closing = False
        self._values: deque[PushedValue] = deque()
        self._bytes = 0
        self._failures = 0
        self._next_try = 0.0

    def publish(self, body: bytes, result: JobResult, attempts: int) -> None:
        """Put a result down."""
        with self._changed:
            self._latest.forget(result.request_id)
            self._finished.append(_Finished(body, result, attempts))
            if len(self._finished) > _MOST_WAITING:
                self._finished.popleft()
                self._outage.dropped()
            self._changed.notify()

    def report(self, request_id: str, progress: MakeProgress) -> None:
        """Put the progress of a job down."""
        if self._latest.report(request_id, progress):
            with self._changed:
                self._changed.notify()

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Pass on while the block runs, and for at most a second after it."""
        thread = threading.Thread(target=self._run, name="pushing", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._closing = True
                self._changed.notify()
            thread.join(_CLOSE_SECONDS)
            with self._changed:
                self._outage.closed(len(self._finished) + len(self._values))

    def _run(self) -> None:
        is_last = False
        while not is_last:
            self._await_something()
            is_last = self._closing  # before the step, which takes all that was put down until then
            self._step()
        self._publisher.close()

    def _await_something(self) -> None:
        with self._changed:
            while not (self._closing or self._finished):
                seconds = self._seconds_left()
                if seconds == 0.0:
                    return
                self._changed.wait(seconds)

    def _seconds_left(self) -> float | None:
        """Return how long nothing has to be done; None: until something is put down."""
        due = self._latest.seconds_left()
        if not self._values:
            return due
        again = max(self._next_try - self._clock(), 0.0)
        return again if due is None else min(again, due)

    def _step(self) -> None:
        """Pass on what there is; each error is logged once an outage."""
        with self._changed:
            finished = list(self._finished)
            self._finished.clear()
        progress = self._latest.take()
        try:
            self._keep([each.to_value() for each in finished])
            if self._clock() >= self._next_try or self._closing:
                self._send([_value_of(name, make()) for name, make in progress.items()])
        except Exception as error:  # noqa: BLE001 - whatever it is, jobs go on
            self._failed(error)

    def _keep(self, values: Sequence[PushedValue]) -> None:
        """Add values to those that wait, and drop the oldest above the bounds."""
        for value in values:
            self._values.append(value)
            self._bytes += len(value.text)
            while self._bytes > _MOST_BYTES or len(self._values) > _MOST_WAITING:
                self._bytes -= len(self._values.popleft().text)
                self._outage.dropped()

    def _send(self, progress: Sequence[PushedValue]) -> None:
        """Send progress, which is dropped otherwise, and all results that wait."""
        complaint = self._publisher.publish(progress) if progress else ""
        while self._values:
            some = [self._values[index] for index in range(min(len(self._values), _MOST_AT_ONCE))]
            refused = self._publisher.publish(some)
            complaint = complaint or refused
            for value in some:
                self._values.popleft()
                self._bytes -= len(value.text)
            self._outage.dropped(len(some) if refused else 0)
        self._failures = 0
        if complaint:
            self._outage.failed(complaint)
        else:
            self._outage.over()

    def _failed(self, error: Exception) -> None:
        backoff = _FIRST_BACKOFF_SECONDS * 2 ** min(self._failures, 10)
        self._failures += 1
        self._next_try = self._clock() + min(backoff, _LONGEST_BACKOFF_SECONDS)
        self._outage.failed(str(error), error)


@dataclass(frozen=True)
class Pushing:
    """Where a worker puts down results and progress."""

    results: ResultBus
    progress: ProgressSink


@contextmanager
def open_pushing(
    redis: RedisParameters | None, column: ColumnProgress | None, log: Logger
) -> Iterator[Pushing]:
    """
    Pass results and progress on, while the block runs.

    Args:
        redis: Where results go, and progress too; None without Redis.
        column: Where progress goes without Redis; None: nowhere.
        log: Log of the worker.
    """
    if redis is not None:
        pushed = PushedResults(RedisPublisher(redis.login), log)
        with pushed.in_background():
            yield Pushing(pushed, pushed)
    elif column is not None:
        with column.in_background():
            yield Pushing(NoResultBus(), column)
    else:
        yield Pushing(NoResultBus(), NoProgress())
