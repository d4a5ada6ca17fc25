import os

paths = ["/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/self/uid_map"]
for root in ("/proc/sys/kernel", "/proc/sys/vm", "/proc/sys/user", "/sys/fs/cgroup"):
    for directory, _, files in os.walk(root):
        paths += [f"{directory}/{name}" for name in files]
for path in paths:
    try:
        opened = os.open(path, os.O_WRONLY)
        with open(path, "rb") as file:
            os.write(opened, file.read() or b"0 0 1")
    except OSError:
        continue
    print("leaked", path)
try:
    with open("/proc/self/oom_score_adj", "w") as score:
        score.write("-1000")
    print("leaked")
except OSError:
    pass
print("safe")
