import ctypes
import os
import socket

libc = ctypes.CDLL(None, use_errno=True)
leaked = 0
for key in range(300):
    leaked += libc.shmget(key, 4096, 0o1777) != -1 and key > 0
    leaked += libc.semget(key, 1, 0o1777) != -1 and key > 0
    leaked += libc.msgget(key, 0o1777) != -1 and key > 0
for offset in range(-100, 100):
    try:
        lock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        lock.bind(f"\0grader-slot-of-user-{os.getuid() + offset}")
    except OSError:
        continue
    leaked += 1
print("leaked" if leaked else "safe")
