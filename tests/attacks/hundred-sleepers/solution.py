import os
import signal

for _ in range(100):
    try:
        if os.fork() == 0:
            signal.pause()
    except OSError:
        break
print("safe")
