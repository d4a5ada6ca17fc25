import os

TERABYTE = 1 << 40
attempts = (
    lambda: os.ftruncate(1, TERABYTE),
    lambda: os.posix_fallocate(1, 0, TERABYTE),
    lambda: os.pwrite(1, b"x", TERABYTE),
    lambda: os.pwrite(2, b"x", TERABYTE),
)
for attempt in attempts:
    try:
        attempt()
    except OSError:
        continue
    print("leaked")
print("safe")
