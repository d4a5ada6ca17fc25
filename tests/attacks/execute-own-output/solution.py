import os

os.write(1, b"#!/bin/sh\necho leaked\n")
for path in ("/proc/self/fd/1", "/dev/stdout"):
    try:
        os.execv(path, [path])
    except OSError:
        pass
try:
    os.execve(1, ["program"], {})
except OSError:
    pass
os.ftruncate(1, 0)
os.lseek(1, 0, os.SEEK_SET)
print("safe")
