import os
import resource

mine = os.getpid()
others = [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != mine]
for other in others:
    for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_CPU):
        try:
            resource.prlimit(other, kind, (1, 1))
        except (OSError, ValueError):
            continue
        print("leaked", other)
        break
print("safe")
