import os
import time

try:
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("0")
except OSError:
    raise SystemExit(1) from None
time.sleep(0.2)
program = os.open("program", os.O_CREAT | os.O_WRONLY, 0o777)
os.write(program, b"#!/usr/bin/python3 -I\nprint('leaked')\n")
