import os

made = 0
for place in (".", "..", "/tmp", "/dev/shm", "/var/tmp"):
    for number in range(2000):
        try:
            os.close(os.open(f"{place}/{number}", os.O_CREAT | os.O_WRONLY))
        except OSError:
            continue
        made += 1
print("leaked" if made else "safe")
