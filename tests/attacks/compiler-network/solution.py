import ctypes
import os
import socket
import sys

libc = ctypes.CDLL(None, use_errno=True)
leaked = [libc.unshare(0x10000000) == 0, libc.ptrace(16, os.getppid(), 0, 0) == 0]
for family in (socket.AF_INET, socket.AF_INET6, socket.AF_UNIX, socket.AF_NETLINK):
    try:
        leaked.append(bool(socket.socket(family, socket.SOCK_DGRAM)))
    except OSError:
        pass
if any(leaked):
    with open("program", "w") as program:
        program.write("#!/bin/sh\necho safe\n")
sys.exit(1)
