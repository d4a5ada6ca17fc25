"""Reads whatever its input names, and what else a checker might want to know."""

import glob
import os
import sys

ACCEPTED, WRONG = 42, 43
with open(sys.argv[1]) as file:
    paths = file.read().split("\n")
paths += ["/etc/shadow", "/proc/1/environ", f"/proc/{os.getppid()}/environ"]
paths += ["../run/solution.py", "../compile/solution.py", "../build", "../scratch"]
paths += [f"/proc/{os.getppid()}/fd/{number}" for number in range(20)]
for pattern in filter(None, paths):
    for path in [pattern, *glob.glob(f"{pattern}/*")]:
        try:
            os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        sys.stderr.write(f"leaked {path}\n")
        sys.exit(WRONG)
sys.exit(ACCEPTED)
