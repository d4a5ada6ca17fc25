import os
import signal

for _ in range(10):
    if os.fork() == 0:
        os.setsid()
        signal.pause()
print("safe")
