"""Signals to everybody, after it has left children that ignore signals."""

import os
import signal
import sys

ACCEPTED = 42
for _ in range(4):
    try:
        if os.fork() == 0:
            os.setsid()
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            while True:
                signal.pause()
    except OSError:
        pass
for target in (os.getppid(), 1):
    for number in (signal.SIGSTOP, signal.SIGKILL):
        try:
            os.kill(target, number)
        except OSError:
            pass
sys.exit(ACCEPTED)
