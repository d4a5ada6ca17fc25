import os

kept = 0
try:
    while kept < 100_000_000:
        kept += os.write(os.memfd_create("hidden"), bytes(4_000_000))
except OSError:
    pass
print("leaked" if kept > 64 << 20 else "safe")
