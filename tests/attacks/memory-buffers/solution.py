import contextlib
import fcntl
import os
import socket

kept = 0
ends = []
with contextlib.suppress(OSError):
    while True:
        ends += socket.socketpair()
        ends[-1].setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                kept += ends[-1].send(bytes(1 << 16))
del ends[-20:]
with contextlib.suppress(OSError):
    while True:
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 1 << 20)
        os.set_blocking(writing, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                kept += os.write(writing, bytes(1 << 16))
print("leaked" if kept > 64 << 20 else "safe")
