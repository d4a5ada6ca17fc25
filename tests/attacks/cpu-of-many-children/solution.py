import os
import time

for _ in range(200):
    if os.fork() == 0:
        started = time.process_time()
        while time.process_time() - started < 0.005:
            pass
        os._exit(0)
    os.wait()
print("safe")
