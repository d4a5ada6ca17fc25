import ctypes
import os

KEEP_SIZE, SIZE = 1, 512 << 20
libc = ctypes.CDLL(None, use_errno=True)
libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long)
for number in range(8):
    descriptor = os.open(f"kept-{number}", os.O_CREAT | os.O_RDWR)
    libc.fallocate(descriptor, KEEP_SIZE, 0, SIZE)
    libc.fallocate(descriptor, 0, 0, SIZE)
    if os.fstat(descriptor).st_blocks * 512 > 1 << 20:
        print("leaked", os.fstat(descriptor).st_blocks)
print("safe")
