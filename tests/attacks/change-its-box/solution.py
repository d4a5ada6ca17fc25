import os

attempts = (
    lambda: os.open("solution.py", os.O_WRONLY),
    lambda: os.chmod(".", 0o777),
    lambda: os.chmod("solution.py", 0o777),
    lambda: os.unlink("solution.py"),
    lambda: os.rename("solution.py", "other.py"),
    lambda: os.truncate("solution.py", 0),
    lambda: os.utime("solution.py"),
    lambda: os.chown("solution.py", os.getuid(), os.getgid()),
)
for attempt in attempts:
    try:
        attempt()
    except OSError:
        continue
    print("leaked")
print("safe")
