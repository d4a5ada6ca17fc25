import os

try:
    os.truncate(os.open("sparse", os.O_CREAT | os.O_RDWR), 1 << 40)
    print("leaked")
except OSError:
    pass
kept = 0
try:
    for number in range(200):
        with open(f"part-{number}", "wb") as file:
            kept += file.write(bytes(8_000_000))
except OSError:
    pass
print("leaked" if kept > 1_000_000_000 else "safe")
