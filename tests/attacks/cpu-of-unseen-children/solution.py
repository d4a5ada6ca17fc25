import os
import signal
import time

ROUNDS, AT_ONCE, SECONDS_EACH = 60, 2, 0.008
signal.signal(signal.SIGCHLD, signal.SIG_IGN)


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
