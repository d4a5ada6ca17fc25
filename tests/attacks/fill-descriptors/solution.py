import os
import resource

count = 0
children = 0
try:
    while True:
        if os.fork() == 0:
            try:
                while True:
                    os.dup(0)
            except OSError:
                os._exit(0)
        children += 1
except OSError:
    pass
try:
    while True:
        os.dup(0)
        count += 1
except OSError:
    pass
most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
print("safe" if count <= most <= 4096 and children <= 64 else "leaked")
