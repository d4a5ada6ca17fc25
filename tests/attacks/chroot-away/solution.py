import os

for place in (".", "/tmp", "/dev/shm", "/proc/self/root"):
    try:
        os.chroot(place)
    except OSError:
        continue
    print("leaked", place)
print("safe")
