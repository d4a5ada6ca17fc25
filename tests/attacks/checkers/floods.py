"""Says more than anybody wants to know."""

import os
import sys

ACCEPTED = 42
os.chdir(sys.argv[3])
try:
    with open("judgemessage.txt", "wb") as file:
        while True:
            file.write(bytes(1 << 20))
except OSError:
    pass
while True:
    os.write(2, b"x" * (1 << 16))
