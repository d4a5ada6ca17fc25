import os
import shutil
import subprocess

shutil.copy("/bin/true", "shell")
os.chmod("shell", 0o6777)
try:
    os.chmod(".", 0o7777)
except OSError:
    pass
try:
    subprocess.run(["./shell"], check=True)
except OSError:
    pass
print("safe")
