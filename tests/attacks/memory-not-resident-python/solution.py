import mmap
import sys

kept = []
for _ in range(300):
    try:
        kept.append(mmap.mmap(-1, 1 << 20))
    except OSError:
        print("safe")
        sys.exit(0)
    kept[-1].write(b"x" * (1 << 20))
    kept[-1].madvise(mmap.MADV_DONTNEED)
print("leaked")
