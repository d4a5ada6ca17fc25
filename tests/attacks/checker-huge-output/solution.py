import os

for _ in range(15):
    os.write(1, b"safe " * 200_000)
