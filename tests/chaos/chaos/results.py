"""Receives results and dead letters as the web tier and operators do, also across an outage."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from time import monotonic

from chaos.queues import Arrival, Inbox
from grader.contract.names import RESULTS_QUEUE
from grader.errors import AccessError, ConnectionLostError

_IDLE_SECONDS = 0.2
WAIT_SECONDS = 600.0  # a limit for a lost result


class Results:
    """
    What has arrived, by request id.

    Args:
        open_inbox: Connects to the queues.
    """

    def __init__(self, open_inbox: Callable[[], Inbox]) -> None:
        self.first_at: dict[str, float] = {}
        self.bodies: dict[str, list[bytes]] = defaultdict(list)
        self.dead: dict[str, str] = {}
        self._seen: set[str] = set()
        self._open = open_inbox
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="results")

    def start(self) -> None:
        """Receive in the background."""
        self._thread.start()

    def stop(self) -> None:
        """Receive nothing more."""
        self._stopping.set()
        self._thread.join()

    def await_some(self, ids: Collection[str], count: int) -> None:
        """Wait until this many of the requests have a result."""

        def enough() -> bool:
            return sum(each in self.first_at for each in ids) >= count

        with self._changed:
            in_time = self._changed.wait_for(enough, WAIT_SECONDS)
        missing = sorted(each for each in ids if each not in self.first_at)
        assert in_time, f"{len(missing)} of {len(ids)} requests have no result: {missing[:10]}"

    def expect(self, count: int) -> Callable[[], None]:
        """Return a function that waits until `count` more requests have a result."""
        target = len(self.first_at) + count

        def wait() -> None:
            with self._changed:
                assert self._changed.wait_for(lambda: len(self.first_at) >= target, WAIT_SECONDS)

        return wait

    def await_dead(self, ids: Collection[str]) -> None:
        """Wait until these requests are dead letters; the account reports those that never are."""
        with self._changed:
            self._changed.wait_for(lambda: set(ids) <= set(self.dead), WAIT_SECONDS)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                inbox = self._open()
            except (ConnectionLostError, AccessError):
                self._stopping.wait(_IDLE_SECONDS)
                continue
            with suppress(ConnectionLostError, AccessError), closing(inbox):
                self._receive(inbox)

    def _receive(self, inbox: Inbox) -> None:
        while not self._stopping.is_set():
            arrival = inbox.next(_IDLE_SECONDS)
            if arrival is None:
                continue
            if arrival.message_id not in self._seen:  # one whose receipt was lost comes again
                self._seen.add(arrival.message_id)
                self._keep(arrival)
            inbox.acknowledge(arrival)

    def _keep(self, arrival: Arrival) -> None:
        request_id = str(json.loads(arrival.body)["requestId"])
        with self._changed:
            if arrival.queue == RESULTS_QUEUE:
                self.first_at.setdefault(request_id, monotonic())
                self.bodies[request_id].append(arrival.body)
            else:
                self.dead[request_id] = arrival.headers.get("x-gradectl-reason", "by the queue")
            self._changed.notify_all()
