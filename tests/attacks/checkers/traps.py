"""Leaves traps under every name that is collected from its feedback directory."""

import os
import sys

ACCEPTED = 42
os.chdir(sys.argv[3])
os.symlink("/etc/shadow", "judgemessage.txt")
os.mkfifo("teammessage.txt", 0o777)
os.symlink("/dev/zero", "score.txt")
os.mkdir("judgeerror.txt")
os.mkdir("diff_position.txt", 0)
try:
    os.chmod(".", 0)
except OSError:
    pass
sys.exit(ACCEPTED)
