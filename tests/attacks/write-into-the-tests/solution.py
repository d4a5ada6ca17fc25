import os
import sys

places = [line for line in sys.stdin.read().split("\n") if line]
places += [".", "..", "../..", "../run", "../compile", "../checker", "../build", "../feedback"]
names = ("", "/solution.py", "/1.ans", "/1.in", "/answer", "/input", "/stdout", "/program")
for place in places:
    for name in names:
        for flags in (os.O_WRONLY, os.O_WRONLY | os.O_CREAT, os.O_RDWR | os.O_APPEND):
            try:
                os.open(place + name, flags)
            except OSError:
                continue
            print("leaked", place + name)
print("safe")
