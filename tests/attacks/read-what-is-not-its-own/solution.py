import glob
import os
import sys

paths = sys.stdin.read().split("\n")
paths += ["/etc/shadow", "/proc/1/environ", "/proc/1/mem", f"/proc/{os.getppid()}/environ"]
paths += ["../compile/solution.py", "../build", "../checker"]
for pattern in filter(None, paths):
    for path in [pattern, *glob.glob(f"{pattern}/*")]:
        try:
            if path and os.open(path, os.O_RDONLY) > 0:
                print("leaked", path)
        except OSError:
            pass
print("safe")
