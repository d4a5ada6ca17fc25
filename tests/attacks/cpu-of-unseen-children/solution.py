import os
import signal
import time

ROUNDS, AT_ONCE, SECONDS_EACH = 60, 2, 0.008
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for _ in range(ROUNDS):
    reading, writing = os.pipe()
    for _ in range(AT_ONCE):
        if os.fork() == 0:
            started = time.process_time()
            while time.process_time() - started < SECONDS_EACH:
                pass
            os._exit(0)
    os.close(writing)
    os.read(reading, 1)
    os.close(reading)
print("safe")
