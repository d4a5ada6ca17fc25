"""
Sends the webhooks that are due, on threads of its own.

One thread takes deliveries from the outbox, reads the rows that they are about, and notes what
became delivered or failed; a few others post. So the database sees one connection and few
statements, and a receiver that hangs holds up one thread. An error never ends the sender: what it
has taken is due again when its lease ends.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from queue import Empty, SimpleQueue

from grader.errors import AccessError, GraderError
from grader.logs import Logger
from grader.ports.results import Outbox, WebhookDelivery
from grader.webhooks.delivery import Attempt, Deliverer
from grader.webhooks.payload import NoBodyError, body_of
from grader.webhooks.schedule import next_delay
from grader.webhooks.shares import HostShares, Limits
from grader.webhooks.signing import Keys, Signing

#: Longer than an attempt with the slowest resolver.
_LEASE = timedelta(seconds=90)
_JOIN_SECONDS = 2.0
_REPORT_SECONDS = 60.0
_TIDY_SECONDS = 3600.0
#: A batch waits so long for all its requests, and is sent as it is then.
_LONGEST_WAIT = timedelta(days=1)
_KEPT = timedelta(days=30)
_TIDIED_AT_ONCE = 1000
#: So long after a report the next ones are waited for, and noted with it.
_GATHER_SECONDS = 0.005
#: A host whose failed attempts take longer gets one thread until it answers again.
_SLOW_SECONDS = 3.0
_UNREADABLE = "the result cannot be read; perhaps a newer worker has written it"


@dataclass(frozen=True)
class _Task:
    delivery: WebhookDelivery
    body: bytes
    keys: Keys


@dataclass(frozen=True)
class _Report:
    delivery: WebhookDelivery
    attempt: Attempt


@dataclass(eq=False)
class WebhookSender:
    """
    Sends webhooks until its block ends.

    Args:
        outbox: The webhooks.
        deliverer: Makes one attempt.
        signing: Secrets and headers.
        log: Log of the process.
        limits: How much is sent at the same time.
        refresh: Called when the database refuses the login: the password may have been changed.
    """

    outbox: Outbox
    deliverer: Deliverer
    signing: Signing
    log: Logger
    limits: Limits = field(default_factory=Limits)
    refresh: Callable[[], None] = lambda: None
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _inbox: SimpleQueue[_Report | None] = field(default_factory=SimpleQueue, init=False)
    _tasks: SimpleQueue[_Task | None] = field(default_factory=SimpleQueue, init=False)
    _threads: int = field(default=0, init=False)
    _shares: HostShares[_Task] = field(init=False)
    _counts: Counter[str] = field(default_factory=Counter, init=False)
    _reported_at: float = field(default_factory=time.monotonic, init=False)
    _tidied_at: float = field(default=-_TIDY_SECONDS, init=False)
    _trouble: str = field(default="", init=False)

    def __post_init__(self) -> None:
        """Hold nothing yet."""
        self._shares = HostShares(self.limits)

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Send while the block runs; what is being sent then has two seconds to end."""
        thread = threading.Thread(target=self.run, name="webhooks", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self.stop()
            thread.join(_JOIN_SECONDS)

    def stop(self) -> None:
        """End `run` soon."""
        self._stopping.set()
        self._inbox.put(None)

    def wake(self) -> None:
        """Look for due deliveries now; called after a result with a webhook was stored."""
        self._inbox.put(None)

    def run(self) -> None:
        """Send until `stop`; an error is logged, and what failed is tried again."""
        while not self._stopping.is_set():
            try:
                found = self._round()
                self._recovered()
                is_free = self._shares.sending < self.limits.threads  # else a report wakes this
                wait = 0.0 if found and is_free else self.limits.idle_seconds
            except Exception as error:  # noqa: BLE001 - grading does not depend on a webhook
                self._warn(error)
                if isinstance(error, AccessError):
                    self.refresh()
                self._stopping.wait(self.limits.retry_seconds)
                wait = 0.0
            self._note(self._received(wait))
        self._end()

    def _round(self) -> bool:
        """Take what is due and hand it to the threads; returns whether there was anything."""
        self._housekeeping()
        if self._shares.room < self.limits.held // 2:
            return False
        keys = self.signing.keys()
        taken = self.outbox.take(
            self._shares.room,
            _LEASE,
            busy=self._shares.busy(),
            most_per_host=self.limits.held_per_host,
        )
        singles = [each.subject for each in taken if not each.is_batch]
        rows = self.outbox.jobs(singles) if singles else {}
        for each in taken:
            try:
                body = body_of(each, rows.get(each.subject), self.outbox)
            except NoBodyError as error:
                self._failed(each, Attempt(str(error), is_final=True))
            except ValueError:  # it holds up no other one
                self._failed(each, Attempt(_UNREADABLE))
            else:
                self._shares.add(each.host, _Task(each, body, keys))
        self._dispatch()
        return bool(taken)

    def _dispatch(self) -> None:
        """Hand to the threads what may be sent now."""
        for task in self._shares.start():
            self._tasks.put(task)
        while self._threads < self._shares.sending:
            self._threads += 1
            name = f"webhook-{self._threads}"
            threading.Thread(target=self._work, name=name, daemon=True).start()

    def _work(self) -> None:
        while (task := self._tasks.get()) is not None:
            delivery = task.delivery
            try:
                attempt = self.deliverer.attempt(
                    delivery.delivery_id, delivery.url, task.body, task.keys
                )
            except Exception as error:  # one delivery must not end the thread
                self.log.exception("Webhook attempt failed", request_id=delivery.subject)
                attempt = Attempt(f"{type(error).__name__} in the sender")
            self._inbox.put(_Report(delivery, attempt))

    def _received(self, wait: float) -> list[_Report]:
        """Wait for a report or a call of `wake`, and return all reports that are there."""
        reports: list[_Report] = []
        until = time.monotonic() + wait
        try:
            while True:
                left = until - time.monotonic()
                found = self._inbox.get(timeout=left) if left > 0 else self._inbox.get_nowait()
                reports += [found] if found is not None else []
                until = min(until, time.monotonic() + (_GATHER_SECONDS if reports else 0))
        except Empty:
            return reports

    def _note(self, reports: list[_Report]) -> None:
        """Write the results of attempts; those that cannot be written are made again later."""
        for each in reports:
            is_slow = not each.attempt.succeeded and each.attempt.seconds >= _SLOW_SECONDS
            self._shares.ended(each.delivery.host, is_slow=is_slow)
        if not self._stopping.is_set():
            self._dispatch()
        try:
            self._release(self._shares.give_back_slow())
            done = [each.delivery for each in reports if each.attempt.succeeded]
            if done:
                self.outbox.delivered(done)
            for each in reports:
                if each.attempt.succeeded:
                    self._succeeded(each.delivery)
                else:
                    self._failed(each.delivery, each.attempt)
        except Exception as error:  # noqa: BLE001 - the leases end, and the deliveries are due again
            self._warn(error)

    def _release(self, tasks: list[_Task]) -> None:
        if tasks:
            self.outbox.release([each.delivery for each in tasks])

    def _succeeded(self, delivery: WebhookDelivery) -> None:
        self._counts["delivered"] += 1
        message = f"Webhook of {delivery.subject} delivered to {delivery.host}"
        self.log.info(message, request_id=delivery.subject, delivery_id=delivery.delivery_id)

    def _failed(self, delivery: WebhookDelivery, attempt: Attempt) -> None:
        """Note when it is sent again, if it is."""
        number = delivery.attempts + 1
        delay = None
        if not attempt.is_final:
            delay = next_delay(number, delivery.delivery_id, attempt.retry_after)
        self.outbox.failed(delivery, attempt.reason, delay)
        self._counts["dead" if delay is None else "failed"] += 1
        again = "it is dead" if delay is None else f"again in {round(delay.total_seconds())} s"
        message = f"Webhook of {delivery.subject} not delivered to {delivery.host}, {again}"
        self.log.warning(
            message,
            request_id=delivery.subject,
            reason=attempt.reason,
            attempt=number,
            delivery_id=delivery.delivery_id,
        )

    def _housekeeping(self) -> None:
        now = time.monotonic()
        if self._counts and now - self._reported_at >= _REPORT_SECONDS:
            self._report(now)
        if now - self._tidied_at >= _TIDY_SECONDS:
            self.outbox.end_waiting(_LONGEST_WAIT, _TIDIED_AT_ONCE)
            if self.outbox.prune(_KEPT, _TIDIED_AT_ONCE) < _TIDIED_AT_ONCE:
                self._tidied_at = now  # otherwise the next round deletes more

    def _report(self, now: float) -> None:
        names = ("delivered", "failed", "dead")
        text = ", ".join(f"{self._counts[name]} {name}" for name in names)
        counts = {f"webhooks_{name}": self._counts[name] for name in names}
        message = f"Webhooks of the last minute: {text}"
        self.log.info(message, **counts)
        self._counts.clear()
        self._reported_at = now

    def _end(self) -> None:
        """Note what ends within the time that is left, and end the threads."""
        for _ in range(self._threads):
            self._tasks.put(None)
        try:
            self._release(self._shares.give_back())
        except Exception as error:  # noqa: BLE001 - the leases end by themselves
            self._warn(error)
        deadline = time.monotonic() + _JOIN_SECONDS * 0.75
        while self._shares.sending and (left := deadline - time.monotonic()) > 0:
            self._note(self._received(left))
        if count := self._shares.sending:
            self.log.warning("Webhooks were being sent; they are sent again", count=count)
        if self._counts:
            self._report(time.monotonic())

    def _recovered(self) -> None:
        if self._trouble:
            self.log.info("Webhooks are sent again")
            self._trouble = ""

    def _warn(self, error: Exception) -> None:
        """Log an error once, until it is over or another one."""
        expected = isinstance(error, GraderError)
        if str(error) != self._trouble or not expected:
            message = "Webhooks cannot be sent now"
            self.log.warning(message, reason=str(error), exc_info=None if expected else error)
        self._trouble = str(error) or type(error).__name__
