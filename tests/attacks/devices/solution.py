import fcntl
import os
import stat
import termios

harmless = {"null", "zero", "full", "random", "urandom", "tty", "ptmx"}
for directory in ("/dev", "/dev/pts", "/dev/disk", "/dev/mapper"):
    try:
        names = os.listdir(directory)
    except OSError:
        continue
    for name in names:
        path = f"{directory}/{name}"
        try:
            kind = os.stat(path).st_mode
            if name in harmless or not (stat.S_ISCHR(kind) or stat.S_ISBLK(kind)):
                continue
            os.open(path, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            continue
        print("leaked", path)
for descriptor in (0, 1, 2):
    try:
        fcntl.ioctl(descriptor, termios.TIOCSTI, b"x")
    except OSError:
        continue
    print("leaked", descriptor)
try:
    os.open("/dev/tty", os.O_RDWR)
    print("leaked a terminal")
except OSError:
    pass
print("safe")
