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
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
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
class Limits:
    """
    How much is sent at the same time.

    Args:
        threads: Deliveries in all.
        per_host: Deliveries to one host.
        held: Deliveries that are taken from the outbox in all, with those that are being sent;
            half as many to one host. They save queries.
        idle_seconds: Between two looks for due deliveries, unless `wake` is called.
        retry_seconds: After an error of the database or the parameter store.
    """

    threads: int = 16
    per_host: int = 8
    held: int = 64
    idle_seconds: float = 5.0
    retry_seconds: float = 15.0


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
    _held: Counter[str] = field(default_factory=Counter, init=False)
    _sending: Counter[str] = field(default_factory=Counter, init=False)
    _waiting: dict[str, deque[_Task]] = field(default_factory=dict, init=False)
    _slow: set[str] = field(default_factory=set, init=False)
    _counts: Counter[str] = field(default_factory=Counter, init=False)
    _reported_at: float = field(default_factory=time.monotonic, init=False)
    _tidied_at: float = field(default=-_TIDY_SECONDS, init=False)
    _trouble: str = field(default="", init=False)

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
                wait = 0.0 if found else self.limits.idle_seconds
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
        if self._held.total() > self.limits.held // 2:
            return False
        keys = self.signing.keys()
        most_per_host = max(self.limits.held // 2, 1)
        slow = dict.fromkeys(self._slow, most_per_host - 1)
        busy = {host: self._held[host] + slow.get(host, 0) for host in {*self._held, *slow}}
        most = self.limits.held - self._held.total()
        taken = self.outbox.take(most, _LEASE, busy=busy, most_per_host=most_per_host)
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
                self._held[each.host] += 1
                self._waiting.setdefault(each.host, deque()).append(_Task(each, body, keys))
        self._dispatch()
        return bool(taken)

    def _dispatch(self) -> None:
        """Hand to the threads what may be sent now: each host gets its share."""
        free = self.limits.threads - self._sending.total()
        progress = True
        while free > 0 and progress:
            progress = False
            for host in list(self._waiting):
                limit = 1 if host in self._slow else self.limits.per_host
                if free > 0 and self._sending[host] < limit:
                    self._start(host, self._waiting[host].popleft())
                    free, progress = free - 1, True
                    if not self._waiting[host]:
                        del self._waiting[host]

    def _start(self, host: str, task: _Task) -> None:
        self._sending[host] += 1
        if self._threads < min(self._sending.total(), self.limits.threads):
            self._threads += 1
            name = f"webhook-{self._threads}"
            threading.Thread(target=self._work, name=name, daemon=True).start()
        self._tasks.put(task)

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
            host, attempt = each.delivery.host, each.attempt
            for counter in (self._held, self._sending):
                counter[host] -= 1
                if not counter[host]:
                    del counter[host]
            if attempt.succeeded or attempt.seconds < _SLOW_SECONDS:
                self._slow.discard(host)
            else:
                self._slow.add(host)
        if not self._stopping.is_set():
            self._dispatch()
        try:
            self._give_back(host for host in self._waiting if host in self._slow)
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

    def _give_back(self, hosts: Iterable[str]) -> None:
        """Give back what waits for these hosts, so that no lease ends while it waits."""
        for host in list(hosts):
            waiting = [each.delivery for each in self._waiting.pop(host)]
            self._held[host] -= len(waiting)
            if not self._held[host]:
                del self._held[host]
            self.outbox.release(waiting)

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
            self._give_back(self._waiting)
        except Exception as error:  # noqa: BLE001 - the leases end by themselves
            self._warn(error)
        deadline = time.monotonic() + _JOIN_SECONDS * 0.75
        while self._sending and (left := deadline - time.monotonic()) > 0:
            self._note(self._received(left))
        if self._sending:
            count = self._sending.total()
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
