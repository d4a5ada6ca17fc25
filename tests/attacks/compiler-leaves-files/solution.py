import os

PROGRAM = b"#!/usr/bin/python3 -I\nprint('safe')\n"
for place in (".", "/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue"):
    name = f"{place}/left-behind-{os.getuid()}"
    try:
        os.mkdir(name)
        os.symlink("/etc/passwd", f"{name}-link")
        os.mkfifo(f"{name}-pipe")
        os.close(os.open(f"{name}/-rf \n*", os.O_CREAT | os.O_WRONLY))
        os.makedirs(f"{name}/" + "deep/" * 50)
        for number in range(500):
            os.close(os.open(f"{name}-{number}", os.O_CREAT | os.O_WRONLY, 0))
        os.chmod(name, 0)
    except OSError:
        continue
program = os.open("program", os.O_CREAT | os.O_WRONLY, 0o777)
os.write(program, PROGRAM)
