import os
import tempfile

for where in ("/dev/shm", "/tmp", "."):
    for flags in (os.O_TMPFILE | os.O_RDWR, os.O_TMPFILE | os.O_WRONLY | os.O_EXCL):
        try:
            os.open(where, flags, 0o600)
        except OSError:
            continue
        print("leaked", where)
with tempfile.TemporaryFile(dir=".") as ordinary:  # has a name for a moment
    ordinary.write(b"x")
print("safe")
