import os

mine = str(os.getpid())
for pid in filter(str.isdigit, os.listdir("/proc")):
    for name in ("mem", "clear_refs", "coredump_filter"):
        try:
            if pid != mine:
                os.close(os.open(f"/proc/{pid}/{name}", os.O_WRONLY))
                print("leaked", name)
        except OSError:
            continue
print("safe")
