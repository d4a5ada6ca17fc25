import os
import shutil
import sys
import time

TAKE = "import time; block = b'x' * 70_000_000; print(len(block), flush=True); time.sleep(1000)"
shutil.copy(os.path.realpath(sys.executable), "hidden")
os.chmod("hidden", 0o111)
started = 0
for _ in range(4):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.dup2(writing, 1)
        try:
            os.execv("./hidden", ["python3", "-I", "-S", "-c", TAKE])
        finally:
            os._exit(1)
    os.close(writing)
    started += len(os.read(reading, 20)) > 0
time.sleep(0.2)
print("leaked" if started else "safe")
