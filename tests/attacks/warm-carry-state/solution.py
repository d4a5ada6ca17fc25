import builtins
import gc
import os
import sys

found = [hasattr(builtins, "left_behind"), "left_behind" in sys.modules]
found += ["left_behind" in os.environ, os.path.exists("left-behind"), os.getcwd() == "/"]
print("leaked" if any(found) else "safe", flush=True)
builtins.left_behind = sys.modules["left_behind"] = True
os.environ["left_behind"] = "1"
os.umask(0)
sys.setrecursionlimit(10_000)
for name in ("open", "print", "exec", "compile"):
    setattr(builtins, name, lambda *_, **__: None)
for one in gc.get_objects():
    if isinstance(one, dict) and "left_behind" not in one:
        one["left_behind"] = True
    if isinstance(one, dict) and len(gc.get_referrers(one)) > 1_000:
        break
try:
    os.chdir("/")
except OSError:
    pass
os._exit(0)
