"""Receives results and dead letters as the web tier and operators do, also across an outage."""

from __future__ import annotations

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from time import monotonic

from grader.adapters.activemq.connection import Connection
from grader.contract.names import DEAD_LETTER_QUEUE, RESULTS_QUEUE
from grader.errors import AccessError, ConnectionLostError

_IDLE_SECONDS = 0.2
WAIT_SECONDS = 600.0  # a limit for a lost result


class Results:
    """
    What has arrived, by request id.

    Args:
        connect: Connects to the broker.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.first_at: dict[str, float] = {}
        self.bodies: dict[str, list[bytes]] = defaultdict(list)
        self.dead: dict[str, str] = {}
        self._seen: set[str] = set()
        self._connect = connect
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
                connection = self._connect()
            except (ConnectionLostError, AccessError):
                self._stopping.wait(_IDLE_SECONDS)
                continue
            try:
                self._receive(connection)
            except (ConnectionLostError, AccessError):
                connection.drop()
            else:
                connection.close()

    def _receive(self, connection: Connection) -> None:
        queue_of = {
            connection.subscribe(name, headers={"activemq.prefetchSize": "100"}): name
            for name in (RESULTS_QUEUE, DEAD_LETTER_QUEUE)
        }
        while not self._stopping.is_set():
            frame = connection.next_frame(_IDLE_SECONDS)
            if frame is None:
                continue
            if frame.message_id not in self._seen:  # a message whose receipt was lost comes again
                self._seen.add(frame.message_id)
                self._keep(queue_of[frame.subscription], frame.body, frame.headers)
            connection.ack(frame)

    def _keep(self, queue: str, body: bytes, headers: dict[str, str]) -> None:
        request_id = str(json.loads(body)["requestId"])
        with self._changed:
            if queue == RESULTS_QUEUE:
                self.first_at.setdefault(request_id, monotonic())
                self.bodies[request_id].append(body)
            else:
                self.dead[request_id] = headers.get("x-gradectl-reason", "by the broker")
            self._changed.notify_all()
