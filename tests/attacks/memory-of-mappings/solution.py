import ctypes
import os
import time

libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
SIZE, PAGE = 65000 * 4096, 4096


def split() -> None:
    start = libc.mmap(None, ctypes.c_size_t(SIZE), 0, 0x22, -1, 0)
    for at in range(0, SIZE, 2 * PAGE):
        libc.mprotect(ctypes.c_void_p(start + at), ctypes.c_size_t(PAGE), 1)


reading, writing = os.pipe()
children = 0
try:
    while True:
        if os.fork() == 0:
            split()
            os.write(writing, b"x")
            time.sleep(1000)
        children += 1
except OSError:
    pass
for _ in range(children):
    os.read(reading, 1)
time.sleep(0.1)
print("safe")
