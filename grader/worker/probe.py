"""
Asks the worker of this container for its health.

The health check of a task runs it every half minute next to busy jobs, so it imports nothing but
sockets: `urllib` alone would take more processor time than all of it.
"""

from __future__ import annotations

import socket

TIMEOUT_SECONDS = 4.0  # below the health check's own 5
_REQUEST = b"GET /health HTTP/1.0\r\n\r\n"
_OK = b" 200 "
_PAGE_BYTES = 1 << 16


def query(port: int, timeout: float = TIMEOUT_SECONDS) -> tuple[bool, str]:
    """
    Query the health page on this machine.

    Args:
        port: Port of the page.
        timeout: Seconds to wait for each part of the answer.

    Returns:
        Whether all checks are good, and the page, or why there is none.
    """
    answer = b""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
            connection.sendall(_REQUEST)
            while len(answer) < _PAGE_BYTES and (part := connection.recv(_PAGE_BYTES)):
                answer += part
    except OSError as error:
        return False, f"no answer from port {port}: {error}"
    head, separator, page = answer.partition(b"\r\n\r\n")
    status = head.split(b"\r\n", 1)[0]
    if not separator or not status.startswith(b"HTTP/1."):
        return False, f"port {port} does not answer like a worker"
    return _OK in status + b" ", page.decode(errors="replace")
