import os

for size in (1 << 24, 1 << 21, 1 << 17, 100_000):
    for count in (1, 8, 64):
        child = os.fork()
        if child == 0:
            try:
                os.execve("/bin/true", ["x" * size] * count, {"y": "z" * size})
            except (OSError, MemoryError):
                os._exit(0)
        os.waitpid(child, 0)
print("safe")
