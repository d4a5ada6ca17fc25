import os

os.write(1, b"safe\x00" + bytes(100_000))
