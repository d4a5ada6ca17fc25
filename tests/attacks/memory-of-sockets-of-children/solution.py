import os
import socket
import time


def keep() -> int:
    kept = 0
    ends = []
    try:
        while True:
            ends += socket.socketpair()
            for end in ends[-2:]:
                end.setblocking(False)
                try:
                    while True:
                        kept += end.send(bytes(1 << 16))
                except BlockingIOError:
                    pass
    except OSError:
        return kept


reading, writing = os.pipe()
children = 0
try:
    while True:
        if os.fork() == 0:
            os.write(writing, keep().to_bytes(8, "little"))
            time.sleep(1000)
        children += 1
except OSError:
    pass
kept = sum(int.from_bytes(os.read(reading, 8), "little") for _ in range(children))
time.sleep(0.1)
print("leaked" if kept > 64 << 20 else "safe")
