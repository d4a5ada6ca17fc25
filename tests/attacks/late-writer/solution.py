import os

if os.fork() == 0:
    os.setsid()
    while True:
        os.write(1, b"more\n")
os.write(1, b"safe\n")
