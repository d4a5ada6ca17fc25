import os
import socket

for name in ("result.json", "program", "stdout", "score.txt", "-"):
    os.mkfifo(name, 0o777)
try:
    socket.socket(socket.AF_UNIX).bind("socket")
    print("leaked")
except OSError:
    pass
print("safe")
