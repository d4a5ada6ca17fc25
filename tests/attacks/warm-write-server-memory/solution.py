import os

mine = str(os.getpid())
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("mem", "oom_score_adj", "coredump_filter", "clear_refs", "timerslack_ns", "comm"):
        try:
            if pid != mine:
                os.close(os.open(f"/proc/{pid}/{name}", os.O_RDWR))
                print("leaked", name)
        except OSError:
            continue
print("safe")
