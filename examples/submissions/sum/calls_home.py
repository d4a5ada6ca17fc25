"""Tries to send the input away; the sandbox has no network, so opening the socket fails."""

import socket
import sys

with socket.create_connection(("169.254.170.2", 80), timeout=1) as connection:
    connection.sendall(sys.stdin.buffer.read())
print(0)
