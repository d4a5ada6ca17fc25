import os
import stat

EVIL = b"#!/bin/sh\necho leaked\n"
PROGRAM = b"#!/usr/bin/python3 -I\nprint('safe')\n"
for root in ("..", "../..", "../../.."):
    for directory, _, files in os.walk(root):
        for path in [f"{directory}/{name}" for name in (*files, "program")]:
            if os.path.abspath(path).startswith(os.getcwd()):
                continue
            try:
                if stat.S_ISREG(os.lstat(path).st_mode):
                    os.write(os.open(path, os.O_WRONLY | os.O_NOFOLLOW), EVIL)
                    PROGRAM = EVIL
            except OSError:
                continue
program = os.open("program", os.O_CREAT | os.O_WRONLY, 0o777)
os.write(program, PROGRAM)
