import os

for path in ("../compile/solution.py", "/etc/passwd", "/usr/bin/su"):
    try:
        os.link(path, "program")
    except OSError:
        continue
    break
else:
    os.close(os.open("other", os.O_CREAT | os.O_WRONLY, 0o777))
    os.link("other", "program")
