import os
import stat

os.mkdir("program", 0o777)
os.mkdir("program/program", 0)
try:
    os.mknod("device", stat.S_IFBLK | 0o777, os.makedev(8, 0))
except OSError:
    pass
