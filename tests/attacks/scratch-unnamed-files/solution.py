import os

kept = []
try:
    for _ in range(200):
        kept.append(open("unnamed", "wb", 0))
        os.unlink("unnamed")
        kept[-1].write(bytes(1_000_000))
except OSError:
    pass
print("safe")
