import mmap
import os
import time

SIZE = 3 << 30


def table_kb() -> int:
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmPTE:"))


def read() -> int:
    block = mmap.mmap(-1, SIZE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, mmap.PROT_READ)
    block.madvise(mmap.MADV_NOHUGEPAGE)
    block[:: 2 << 20]
    return table_kb()


reading, writing = os.pipe()
children = 0
try:
    while True:
        if os.fork() == 0:
            os.write(writing, read().to_bytes(8, "little"))
            time.sleep(1000)
        children += 1
except OSError:
    pass
kept = sum(int.from_bytes(os.read(reading, 8), "little") for _ in range(children))
time.sleep(0.1)
print("leaked" if kept > 96 << 10 else "safe")
