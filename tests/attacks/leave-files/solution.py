import os

places = ["/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue", ".", "..", "../build"]
attempts = (
    lambda path: os.close(os.open(path, os.O_CREAT | os.O_WRONLY)),
    lambda path: os.close(os.open(os.path.dirname(path), os.O_TMPFILE | os.O_RDWR)),
    os.mkdir,
    os.mkfifo,
    lambda path: os.symlink("/etc/passwd", path),
    lambda path: os.link("solution.py", path),
)
for place in places:
    for attempt in attempts:
        try:
            attempt(f"{place}/left-behind")
        except OSError:
            continue
        print("leaked", place)
print("safe")
