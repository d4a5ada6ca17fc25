"""Free ports are free, and listeners are detected."""

from __future__ import annotations

import socket

from gradectl.local.loopback import free_ports, is_listening


def test_free_ports_differ_and_have_no_listener() -> None:
    """Two services never get the same port."""
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert not any(map(is_listening, ports))


def test_a_listener_is_detected() -> None:
    """It marks a port as in use."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert is_listening(server.getsockname()[1])
