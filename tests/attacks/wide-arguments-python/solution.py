import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
HIGH = 0xA5A5_A5A5 << 32
CALLS = {
    "prctl": (157, HIGH | 4, 0, 0, 0, 0),
    "prlimit": (302, HIGH | os.getppid(), 0, 0, ctypes.addressof((ctypes.c_ulong * 2)())),
    "socketpair": (53, HIGH | 1, HIGH | 2, 0, ctypes.addressof((ctypes.c_int * 2)())),
    "namespace": (56, HIGH | 0x1000_0000 | 17, 0, 0, 0, 0),
    "thread with its own descriptors": (56, HIGH | 0x0001_0900, 0, 0, 0, 0),
    "fcntl": (72, HIGH | os.pipe()[1], HIGH | 1031, 1 << 20),
    "ioctl": (16, HIGH, HIGH | 0x5412, ctypes.addressof(ctypes.c_char(b"x"))),
    "pipe2": (293, ctypes.addressof((ctypes.c_int * 2)()), HIGH | 0o200),
    "close_range": (436, HIGH | 100, HIGH | 101, HIGH | 2),
}
for name, arguments in CALLS.items():
    if libc.syscall(*map(ctypes.c_long, arguments)) != -1:
        print("leaked", name)
for path, flags in (("/tmp/left", os.O_CREAT), ("/proc/self/mem", os.O_RDWR)):
    wide = ctypes.c_long(HIGH | flags)
    if libc.syscall(ctypes.c_long(257), ctypes.c_long(-100), path.encode(), wide, 0o600) != -1:
        print("leaked", path)
print("safe")
