import os
import time

for _ in range(4):
    if os.fork() == 0:
        block = bytearray(os.urandom(1)) * 40_000_000
        time.sleep(1000)
time.sleep(1000)
