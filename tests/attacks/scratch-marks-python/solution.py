import os

found = 0
for place in (".", "../run", "..", "/tmp", "/dev/shm"):
    try:
        os.getxattr(place, "user.mark")
        found += 1
    except OSError:
        pass
    try:
        os.setxattr(place, "user.mark", b"1")
    except OSError:
        pass
here = os.stat(".")
found += here.st_size > 8192 or here.st_nlink != 2 or here.st_mode & 0o7777 != 0o770
for number in range(500):
    with open(f"{number:020}", "w"):
        pass
    if number % 2:
        os.unlink(f"{number:020}")
os.mkdir("left")
print("leaked" if found else "safe")
