import mmap
import os
import sys

PIECES, PIECE = 12, 40 << 20
kept = mmap.mmap(-1, PIECES * PIECE)
for number in range(PIECES):
    reading, writing = os.pipe()
    try:
        child = os.fork()
    except OSError:
        break
    if child == 0:
        for at in range(number * PIECE, (number + 1) * PIECE, mmap.PAGESIZE):
            kept[at] = 1
        kept.madvise(mmap.MADV_DONTNEED, number * PIECE, PIECE)
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
found = sum(kept[number * PIECE] for number in range(PIECES))
kept.madvise(mmap.MADV_DONTNEED)
print("leaked" if found * PIECE > 128 << 20 else "safe")
sys.stdout.flush()
