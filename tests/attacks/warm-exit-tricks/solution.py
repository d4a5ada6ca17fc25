import atexit
import os
import sys
import threading


def again() -> None:
    os.write(1, b"safe\n")
    raise SystemExit(0)


Stubborn = type("Stubborn", (BaseException,), {"__str__": lambda self: self.nothing})

threading.Thread(target=again).start()
atexit.register(again)
sys.excepthook = lambda *_: again()
sys.exitfunc = again
raise Stubborn
