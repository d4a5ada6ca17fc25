import ctypes
import os
import time

SIGACTION, IGNORE, ROUNDS, AT_ONCE, SECONDS_EACH = 13, 1, 16, 2, 0.008
libc = ctypes.CDLL(None, use_errno=True)
action = (ctypes.c_ulong * 4)(IGNORE, 0, 0, 0)
libc.syscall(ctypes.c_long(SIGACTION), ctypes.c_long(0x1_0000_0011), action, None, ctypes.c_long(8))


def burn() -> None:
    started = time.process_time()
    while time.process_time() - started < SECONDS_EACH:
        pass
    os._exit(0)


for _ in range(ROUNDS):
    reading, writing = os.pipe()
    for _ in range(AT_ONCE):
        try:
            if os.fork() == 0:
                burn()
        except BlockingIOError:  # the kernel did not forget the dead ones
            os.wait()
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
print("safe")
