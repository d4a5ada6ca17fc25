import glob
import os

for path in ("/etc/passwd", "/etc/shadow", "../run/solution.py", *glob.glob("/usr/bin/s*")):
    try:
        os.link(path, f"link-{os.path.basename(path)}")
    except OSError:
        continue
    print("leaked", path)
print("safe")
