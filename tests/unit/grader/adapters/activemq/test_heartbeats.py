"""Heartbeats with a scripted peer; tests/integration/worker has those of a real broker."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from time import monotonic

import pytest

from grader.adapters.activemq.connection import Connection, connect
from grader.errors import ConnectionLostError

#: Long, so that a busy machine does not matter: a beat may be late by 0.6 of it.
INTERVAL_MS = 1500
INTERVAL = INTERVAL_MS / 1000
SOON = 180.0  # a limit for a hung test


class Peer:
    """A STOMP server that promises heartbeats, and sends them when a test says so."""

    def __init__(self, accepted: socket.socket) -> None:
        """Answer the login."""
        self.arrived: list[float] = []
        self.changed = threading.Condition()
        self._socket = accepted
        login = b""
        while not login.endswith(b"\0"):
            login += accepted.recv(4096)
        answer = f"CONNECTED\nversion:1.2\nheart-beat:{INTERVAL_MS},{INTERVAL_MS}\n\n\0"
        accepted.sendall(answer.encode())
        threading.Thread(target=self._read, daemon=True).start()

    def beat(self) -> None:
        """Send one heartbeat."""
        self._socket.sendall(b"\n")

    def message(self) -> None:
        """Send one message."""
        self._socket.sendall(b"MESSAGE\nmessage-id:1\nsubscription:s\ndestination:q\n\nbody\0")

    def begin_message(self, size: int) -> None:
        """Send the head of a large message."""
        head = f"MESSAGE\nmessage-id:1\nsubscription:s\ndestination:q\ncontent-length:{size}\n\n"
        self._socket.sendall(head.encode())

    def part(self) -> None:
        """Send one byte of its body."""
        self._socket.sendall(b"x")

    def end_message(self) -> None:
        """Send its end."""
        self._socket.sendall(b"\0")

    def _read(self) -> None:
        with suppress(OSError):
            while self._socket.recv(4096):
                with self.changed:
                    self.arrived.append(monotonic())
                    self.changed.notify()


@contextmanager
def scripted_peer(**settings: int) -> Iterator[tuple[Connection, Peer]]:
    """Connect to a peer that asks for heartbeats every `INTERVAL`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        peers: list[Peer] = []
        accepting = threading.Thread(target=lambda: peers.append(Peer(server.accept()[0])))
        accepting.start()
        connection = connect([f"stomp://127.0.0.1:{server.getsockname()[1]}"], "u", "p", **settings)
        accepting.join()
        with closing(peers[0]._socket):
            yield connection, peers[0]
            connection.drop()


@pytest.fixture
def every() -> Iterator[Callable[[float, Callable[[], None]], threading.Event]]:
    """Call something at an interval until the test ends; the event tells of the third call."""
    ended = threading.Event()

    def start(seconds: float, action: Callable[[], None]) -> threading.Event:
        third = threading.Event()

        def run() -> None:
            with suppress(OSError):  # the peer ends before this thread
                for number in range(1, 100):
                    if ended.wait(seconds):
                        return
                    action()
                    if number == 3:
                        third.set()

        threading.Thread(target=run, daemon=True).start()
        return third

    yield start
    ended.set()


def test_a_peer_may_be_silent_for_nearly_two_intervals(
    every: Callable[[float, Callable[[], None]], threading.Event],
) -> None:
    """ActiveMQ checks once per interval whether it has sent anything; the gaps reach twice that."""
    with scripted_peer(heartbeat_ms=INTERVAL_MS) as (connection, peer):
        third = every(1.9 * INTERVAL, peer.beat)

        assert third.wait(SOON)
        peer.message()

        assert connection.next_frame(SOON).body == b"body"


#: Wide enough for any pause of the machine.
NO_HEARTBEATS_MS = 600_000
PARTS = 20
BETWEEN_PARTS = 0.5
SILENCE = 9.0


def test_a_large_message_on_a_slow_network_is_no_silence(
    every: Callable[[float, Callable[[], None]], threading.Event],
) -> None:
    """It takes longer than the reader waits for a peer that sends nothing."""
    with scripted_peer(heartbeat_ms=NO_HEARTBEATS_MS) as (connection, peer):
        sent = []

        def send_next() -> None:
            sent.append(peer)
            if len(sent) <= PARTS:
                peer.part()
            elif len(sent) == PARTS + 1:
                peer.end_message()

        peer.begin_message(PARTS)
        every(BETWEEN_PARTS, send_next)

        assert PARTS * BETWEEN_PARTS > SILENCE
        assert connection.frame_before_silence(SILENCE).body == b"x" * PARTS


def test_each_part_of_a_message_counts_as_a_heartbeat() -> None:
    """A peer sends none while a large message is on its way."""
    with scripted_peer(heartbeat_ms=NO_HEARTBEATS_MS) as (connection, peer):
        arrived = threading.Semaphore(0)
        on_data = connection._transport.on_data

        def noticed() -> None:
            on_data()
            arrived.release()

        connection._transport.on_data = noticed
        peer.begin_message(PARTS)
        for _ in range(PARTS):
            sent_at = monotonic()
            connection._client.received_heartbeat = sent_at - INTERVAL
            peer.part()
            while connection._client.received_heartbeat < sent_at:
                assert arrived.acquire(timeout=SOON)


def test_heartbeats_alone_are_silence(
    every: Callable[[float, Callable[[], None]], threading.Event],
) -> None:
    """The broker lives, and has nothing more to send."""
    with scripted_peer(heartbeat_ms=INTERVAL_MS) as (connection, peer):
        every(INTERVAL / 10, peer.beat)

        assert connection.frame_before_silence(INTERVAL / 2) is None


def test_a_silent_peer_is_noticed() -> None:
    """After 2.5 intervals without a beat, and after twice that if none came since the login."""
    with scripted_peer(heartbeat_ms=INTERVAL_MS) as (connection, _peer):
        start = monotonic()
        with pytest.raises(ConnectionLostError, match="no heartbeat"):
            connection.next_frame(SOON)

        assert monotonic() - start > 2 * INTERVAL


def test_we_send_more_often_than_promised() -> None:
    """ActiveMQ closes a connection that sends nothing between two of its checks."""
    with scripted_peer(heartbeat_ms=INTERVAL_MS) as (_connection, peer), peer.changed:
        assert peer.changed.wait_for(lambda: len(peer.arrived) >= 3, SOON)
        first, second, third = peer.arrived[:3]

    assert min(second - first, third - second) < 0.9 * INTERVAL


def test_the_longer_of_both_intervals_counts() -> None:
    """As STOMP says: the peer may ask for fewer heartbeats."""
    with scripted_peer(heartbeat_ms=1) as (connection, _peer):
        assert connection._client.send_sleep == INTERVAL / 2
        assert connection._client.receive_sleep == 2.5 * INTERVAL
