"""Ports are free when they are found, and a listener is seen."""

from __future__ import annotations

import socket

from gradectl.local.loopback import free_ports, is_listening


def test_free_ports_differ_and_nobody_listens_on_them() -> None:
    """Two services never get one port."""
    ports = free_ports(20)

    assert len(set(ports)) == 20
    assert not any(map(is_listening, ports))


def test_a_listener_is_seen() -> None:
    """That is how a taken port is told from a free one."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert is_listening(server.getsockname()[1])
