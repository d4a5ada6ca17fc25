"""Heartbeats with a real broker: healthy connections stay, also during a long job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.source import ActiveMqJobSource

pytestmark = pytest.mark.engine

#: Long, so that a busy machine does not matter: a beat may be late by half of it.
SHORT_MS = 2000
SOON = 40.0


class Beats:
    """A listener that counts the heartbeats of the broker."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self.third = threading.Event()
        self._count = 0

    def on_heartbeat(self) -> None:
        """Count one."""
        self._count += 1
        if self._count == 3:
            self.third.set()


@pytest.fixture
def open_connection(activemq: Any) -> Iterator[Callable[..., Connection]]:
    """Connect to the broker."""
    with ExitStack() as stack:

        def open_one(**settings: int) -> Connection:
            user, password = activemq.user, activemq.password
            one = connect([activemq.endpoint], user, password, ca_file=activemq.ca_file, **settings)
            stack.callback(one.close)
            return one

        yield open_one


def test_a_job_longer_than_the_heartbeat_is_settled_once(
    world: Any, open_connection: Callable[..., Connection]
) -> None:
    """The connection is kept while nothing is received or sent, so no one else gets the job."""
    connection = open_connection(heartbeat_ms=SHORT_MS)
    beats = Beats()
    connection._client.set_listener("beats", beats)
    queue = world.environment["QUEUE_NAME"]
    source = ActiveMqJobSource(connection, [queue])
    world.send(b"a long job")
    delivery = source.receive(SOON)

    assert beats.third.wait(SOON)
    source.settle(delivery, [])

    assert world.receive("QUEUE_NAME", 0.3) is None


@pytest.mark.exhaustive
def test_twenty_idle_connections_stay_for_90_seconds(
    open_connection: Callable[..., Connection],
) -> None:
    """The heartbeats that workers and gradectl use, with the gaps of a real broker."""
    connections = [open_connection() for _ in range(20)]

    assert connections[0].next_frame(90) is None
    assert [connection.next_frame(0) for connection in connections] == [None] * 20


@pytest.mark.exhaustive
def test_jobs_of_45_seconds_are_graded_once(world: Any) -> None:
    """Sixteen at the same time, each several heartbeats long."""
    worker = world.start(WORKER_SLOTS="16", LOOK_AHEAD="0")
    wanted = {world.submit(language="gate") for _ in range(16)}
    for _ in wanted:
        worker.wait_for("Processing request")

    assert world.receive("RESULT_QUEUE_NAME", 45) is None
    worker.pass_gate()

    assert {world.result().request_id for _ in wanted} == wanted
    assert {world.jobs.get(request_id).attempts for request_id in wanted} == {1}
    assert world.nothing_more()
