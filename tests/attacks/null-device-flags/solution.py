import fcntl
import os

for _ in range(2):
    opened = os.open("/dev/null", os.O_WRONLY)
    if fcntl.fcntl(opened, fcntl.F_GETFL) & os.O_APPEND:
        print("leaked")
    fcntl.fcntl(opened, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)
print("safe")
