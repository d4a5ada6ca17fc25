import fcntl
import mmap
import os

attempts = (
    lambda: os.write(0, b"other"),
    lambda: os.pwrite(0, b"other", 0),
    lambda: os.ftruncate(0, 0),
    lambda: os.open("/dev/stdin", os.O_RDWR),
    lambda: os.open("/dev/stdin", os.O_WRONLY | os.O_APPEND),
    lambda: mmap.mmap(0, 1, mmap.MAP_SHARED, mmap.PROT_WRITE),
    lambda: fcntl.fcntl(0, fcntl.F_SETLEASE, fcntl.F_WRLCK),
    lambda: os.fchmod(0, 0o777),
    lambda: os.posix_fallocate(0, 0, 1 << 20),
    lambda: os.setxattr(0, "user.other", b"x"),
)
for attempt in attempts:
    try:
        attempt()
    except (OSError, ValueError):
        continue
    print("leaked")
print("safe")
