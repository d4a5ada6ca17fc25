"""Connecting to a real broker, and the errors."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from gradectl.local.loopback import free_ports
from grader.adapters.activemq.connection import Connection, connect
from grader.errors import AccessError, ConnectionLostError, SettingsError, TrustError

pytestmark = pytest.mark.engine


def open_connection(broker: Any, **changes: Any) -> Connection:
    """Connect with changed arguments."""
    usual = {"user": broker.user, "password": broker.password, "ca_file": broker.ca_file}
    endpoints = changes.pop("endpoints", [broker.endpoint])
    return connect(endpoints, **{**usual, **changes})


def test_wrong_password_is_told_from_a_broker_that_is_away(activemq: Any) -> None:
    """Exit code 77 and the broker's message."""
    with pytest.raises(AccessError, match="password is invalid") as caught:
        open_connection(activemq, password="wrong")

    assert caught.value.exit_code == 77


def test_certificate_of_a_stranger_is_refused(activemq: Any) -> None:
    """No password is sent."""
    with pytest.raises(TrustError, match="not trusted"):
        open_connection(activemq, ca_file=None)


def test_ca_file_that_is_not_there_is_a_wrong_setting(activemq: Any) -> None:
    """The error names the file."""
    with pytest.raises(SettingsError, match="nowhere"):
        open_connection(activemq, ca_file="/nowhere/ca.pem")


def test_broker_that_is_away_is_unreachable(activemq: Any) -> None:
    """Exit code 69, with the address."""
    (port,) = free_ports(1)

    with pytest.raises(ConnectionLostError, match=str(port)) as caught:
        open_connection(activemq, endpoints=[f"stomp+ssl://localhost:{port}"])

    assert caught.value.exit_code == 69


def test_second_endpoint_is_tried(activemq: Any) -> None:
    """One endpoint of an active/standby pair is always down."""
    (port,) = free_ports(1)

    both = f"stomp+ssl://localhost:{port},{activemq.endpoint}"
    connection = open_connection(activemq, endpoints=[both])

    assert str(connection.address) == activemq.endpoint
    connection.close()


@pytest.mark.parametrize("scheme", ["stomp", "stomp+ssl"])
def test_peer_that_stays_silent_is_given_up(activemq: Any, scheme: str) -> None:
    """A peer that accepts and stays silent is an error after the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        endpoint = f"{scheme}://localhost:{server.getsockname()[1]}"
        with pytest.raises(ConnectionLostError):
            open_connection(activemq, endpoints=[endpoint], timeout_seconds=0.2)


def test_lost_connection_is_noticed_by_who_waits(activemq: Any) -> None:
    """Also with TLS, and before a heartbeat is missed."""
    connection = open_connection(activemq)

    threading.Timer(0.1, connection._transport.socket.shutdown, [socket.SHUT_RDWR]).start()
    with pytest.raises(ConnectionLostError) as caught:
        connection.next_frame(60)
    assert "heartbeat" not in str(caught.value)


def test_close_gives_back_and_ends_the_thread(world: Any) -> None:
    """An unacknowledged message is redelivered at once."""
    world.send(b"1")
    first = open_connection(world.broker)
    first.subscribe(world.environment["QUEUE_NAME"])
    assert first.next_frame(10).body == b"1"
    thread = first._transport.io_thread

    first.close()

    thread.join(10)
    assert not thread.is_alive()
    assert world.receive("QUEUE_NAME").headers["redelivered"] == "true"


def test_block_that_raises_sends_nothing(world: Any) -> None:
    """The connection stays usable for the next transaction."""
    connection = open_connection(world.broker)

    def fail_within() -> None:
        with connection.transaction() as transaction:
            transaction.send(world.environment["QUEUE_NAME"], b"never")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail_within()
    with connection.transaction() as transaction:
        transaction.send(world.environment["QUEUE_NAME"], b"sent")

    assert world.receive("QUEUE_NAME").body == b"sent"
    connection.close()


def test_refused_frame_is_told_with_the_brokers_words(activemq: Any) -> None:
    """After an ERROR every call raises the reason."""
    connection = open_connection(activemq)
    connection.subscribe("q", headers={"selector": "not a selector !"})

    with pytest.raises(ConnectionLostError, match=r"(?i)selector|INVALID"):
        connection.next_frame(10)
    connection.close()


def test_first_frames_are_taken_once(activemq: Any) -> None:
    """ActiveMQ processes a frame twice if it arrives with the end of a TLS 1.3 handshake."""
    for number in range(30):
        connection = open_connection(activemq)
        connection.subscribe(f"first-frames-{number}")
        connection.send(f"first-frames-{number}", b"1")
        connection.ack(connection.next_frame(10))
        connection.close()
