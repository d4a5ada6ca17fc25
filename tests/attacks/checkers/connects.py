"""Connects, traces and makes namespaces."""

import ctypes
import os
import socket
import sys

ACCEPTED, WRONG = 42, 43
libc = ctypes.CDLL(None, use_errno=True)
leaked = [libc.unshare(0x10000000) == 0, libc.ptrace(16, os.getppid(), 0, 0) == 0]
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    try:
        leaked.append(bool(socket.socket(family, socket.SOCK_DGRAM)))
    except OSError:
        pass
sys.exit(WRONG if any(leaked) else ACCEPTED)
