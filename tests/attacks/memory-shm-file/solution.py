import os

kept = 0
for number in range(50):
    try:
        descriptor = os.open(f"/dev/shm/hidden-{number}", os.O_RDWR | os.O_CREAT)
    except OSError:
        continue
    kept += os.write(descriptor, bytes(8_000_000))
print("leaked" if kept else "safe")
