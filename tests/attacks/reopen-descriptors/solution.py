import os

for path, flags in (
    ("/proc/self/fd/0", os.O_RDWR),
    ("/proc/self/fd/0", os.O_WRONLY | os.O_TRUNC),
    ("/proc/self/fd/1", os.O_RDONLY),
):
    try:
        os.open(path, flags)
    except OSError:
        continue
    print("leaked", path, flags)
try:
    os.ftruncate(0, 0)
    print("leaked")
except OSError:
    pass
print("safe")
