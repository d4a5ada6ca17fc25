import fcntl
import os

UNLOCK, PEER, NUMBER = 0x4004_5431, 0x5441, 0x8004_5430
for flags in (os.O_RDONLY, os.O_RDWR):
    for _ in range(10):
        try:
            master = os.open("/dev/ptmx", flags | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:
            continue
        for request, argument in ((UNLOCK, bytes(4)), (NUMBER, bytes(4)), (PEER, os.O_RDWR)):
            try:
                fcntl.ioctl(master, request, argument)
            except OSError:
                continue
            print("leaked", hex(request))
try:
    os.openpty()
    print("leaked a terminal")
except OSError:
    pass
print("safe")
