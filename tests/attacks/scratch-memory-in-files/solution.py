import os

kept = 0
for place in ("/dev/shm", "/tmp", "/var/tmp", "/run/lock"):
    for number in range(25):
        try:
            with open(f"{place}/hidden-{os.getuid()}-{number}", "wb") as file:
                kept += file.write(bytes(4_000_000))
        except OSError:
            break
print("leaked" if kept > 80_000_000 else "safe")
