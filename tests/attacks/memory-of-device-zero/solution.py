import mmap
import os
import sys

SIZE = 8 << 20
kept = []
for _ in range(40):
    try:
        zero = os.open("/dev/zero", os.O_RDWR)
        kept.append(mmap.mmap(zero, SIZE, mmap.MAP_SHARED))
    except OSError:
        print("safe")
        sys.exit(0)
    os.close(zero)
    kept[-1].write(b"x" * SIZE)
    kept[-1].madvise(mmap.MADV_DONTNEED)
print("leaked")
