import os

PROGRAM = b"""#!/usr/bin/python3 -I
import os, stat
same = len({*os.getresuid()}) == 1 and not os.stat("../run/program").st_mode & stat.S_ISUID
print("safe" if same else "leaked")
"""
program = os.open("program", os.O_CREAT | os.O_WRONLY, 0o777)
os.write(program, PROGRAM)
os.fchmod(program, 0o6777)
os.mkdir("locked", 0o777)
os.mkdir("locked/in", 0)
os.chmod("locked", 0)
try:
    os.chmod(".", 0o2777)
except OSError:
    pass
