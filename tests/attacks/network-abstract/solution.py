import contextlib
import os
import socket

names = [f"\0grader-slot-of-user-{os.getuid() + offset}" for offset in range(-8, 9)]
for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET):
    for name in (*names, "\0abstract"):
        with contextlib.suppress(OSError):
            socket.socket(socket.AF_UNIX, kind).bind(name)
            print("leaked")
    with contextlib.suppress(OSError):
        pair = socket.socketpair(socket.AF_UNIX, kind)
        for name in names:
            for attempt in (pair[0].connect, pair[0].bind):
                with contextlib.suppress(OSError):
                    attempt(name)
                    print("leaked")
print("safe")
