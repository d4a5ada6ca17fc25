import os

os.symlink("/etc/shadow", "program")
