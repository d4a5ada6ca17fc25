"""Writes into all that it was given, and everywhere else."""

import os
import sys

ACCEPTED, WRONG = 42, 43
given = [sys.argv[1], sys.argv[2], "/dev/stdin"]
given += [f"/dev/fd/{number}" for number in range(3, 32)]
given += ["../run/solution.py", "../checker/validate.py"]
leaked = []
for path in given:
    for flags in (os.O_WRONLY, os.O_RDWR | os.O_TRUNC, os.O_WRONLY | os.O_APPEND):
        try:
            os.open(path, flags | os.O_NONBLOCK)
        except OSError:
            continue
        leaked.append(path)
for place in (sys.argv[3], ".", "/tmp", "/var/tmp", "/dev/shm", "/run/lock", "..", "../run"):
    try:
        os.makedirs(f"{place}/left-behind-{os.getuid()}/-rf *")
        os.chmod(f"{place}/left-behind-{os.getuid()}", 0)
    except OSError:
        continue
    leaked += [place] if place.startswith("..") else []
sys.stderr.write("".join(f"leaked {path}\n" for path in leaked))
sys.exit(WRONG if leaked else ACCEPTED)
