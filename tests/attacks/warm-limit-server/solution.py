import os
import resource

print("safe", flush=True)
mine = str(os.getpid())
for pid in filter(str.isdigit, os.listdir("/proc")):
    for kind in range(16):
        if pid == mine:
            continue
        try:
            resource.prlimit(int(pid), kind, (0, 0))
        except (OSError, ValueError):
            break
        print("leaked")
