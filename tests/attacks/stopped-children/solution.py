import os
import signal

for _ in range(8):
    child = os.fork()
    if child == 0:
        signal.pause()
    os.kill(child, signal.SIGSTOP)
print("safe")
