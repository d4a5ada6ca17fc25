import os
import stat
import subprocess
import sys

forbidden = sys.stdin.read().split("\n")
found = [path for path in forbidden if path.endswith("launcher")]
for directory in ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/lib/openssh", "/bin", "/sbin"):
    try:
        names = os.scandir(directory)
    except OSError:
        continue
    found += [
        entry.path
        for entry in names
        if entry.stat(follow_symlinks=False).st_mode & (stat.S_ISUID | stat.S_ISGID)
    ]
mine = str(os.getuid())
for path in found:
    try:
        child = subprocess.Popen(
            [path, "serve", "1"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
    except OSError:
        continue
    try:
        with open(f"/proc/{child.pid}/status") as status:
            fields = dict(line.split(":", 1) for line in status.read().splitlines())
        if {*fields["Uid"].split(), *fields["Gid"].split()} != {mine}:
            print("leaked", path)
    except OSError:
        pass
    child.kill()
    child.wait()
print("safe")
