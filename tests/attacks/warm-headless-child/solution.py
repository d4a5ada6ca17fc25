import ctypes
import glob
import os
import threading
import time

PR_SET_NAME, SYS_EXIT = 15, 60
libc = ctypes.CDLL(None)
found = 0
for process in glob.glob("/proc/[0-9]*"):
    try:
        with open(f"{process}/comm") as name:
            found += name.read() == "left-behind\n" and os.stat(process).st_uid == os.getuid()
    except OSError:
        continue
print("leaked" if found else "safe", flush=True)
if os.fork() == 0:
    os.setsid()
    libc.prctl(PR_SET_NAME, b"left-behind", 0, 0, 0)
    threading.Thread(target=time.sleep, args=(1000,)).start()
    libc.syscall(SYS_EXIT, 0)
time.sleep(0.05)
os._exit(0)
