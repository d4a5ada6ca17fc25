import ctypes
import fcntl
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
reading, writing = os.pipe()
os.write(writing, b"x")
left, right = socket.socketpair()
SET_PIPE_SIZE, SPLICE_SIZE = 1031, 1 << 20
attempts = {
    "a larger pipe": lambda: fcntl.fcntl(writing, SET_PIPE_SIZE, SPLICE_SIZE),
    "a lock of a byte": lambda: fcntl.lockf(0, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, 2),
    "a splice": lambda: os.splice(reading, os.pipe()[1], 1),
    "a file in a socket": lambda: os.sendfile(left.fileno(), 0, None, 4096),
    "a larger buffer": lambda: left.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 24),
    "a notification pipe": lambda: os.pipe2(os.O_EXCL),
    "a memory file": lambda: os.memfd_create("x"),
}
for name, attempt in attempts.items():
    try:
        attempt()
    except OSError:
        continue
    print("leaked", name)
for name in ("inotify_init", "fanotify_init", "mlockall"):
    if getattr(libc, name)(0) != -1:
        print("leaked", name)
print("safe")
