import os

program = os.open("program", os.O_CREAT | os.O_WRONLY, 0o777)
for size in (1 << 40, 1 << 34, 1 << 30, 1 << 29):
    try:
        os.ftruncate(program, size)
    except OSError:
        continue
    break
else:
    os.unlink("program")
