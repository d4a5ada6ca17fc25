import os
import signal
import threading


def ask() -> None:
    while True:
        for path in ("/dev/null", "left", "/dev/stdout"):
            try:
                os.close(os.open(path, os.O_WRONLY))
            except OSError:
                pass


def child() -> int:
    number = os.fork()
    if number == 0:
        if os.fork() == 0:  # it is orphaned while it asks
            ask()
        signal.setitimer(signal.ITIMER_REAL, 0.05)  # ends it
        ask()
    return number


children = [child() for _ in range(4)]
print("safe", flush=True)
for _ in range(4):
    threading.Thread(target=ask, daemon=True).start()
os.kill(children[0], signal.SIGKILL)
signal.signal(signal.SIGALRM, lambda *_: os._exit(0))
signal.setitimer(signal.ITIMER_REAL, 0.2)
ask()
