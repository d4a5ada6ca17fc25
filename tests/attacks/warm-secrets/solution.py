import gc
import os
import sys

WORDS = ("AWS_", "MQ_", "PASSWORD", "CREDENTIAL", "SECRET", "ENDPOINT", "DATABASE")
names = [name for name in os.environ if any(word in name.upper() for word in WORDS)]
names += [name for name in sys.modules if name.partition(".")[0] in {"grader", "boto3", "stomp"}]
with open("/proc/self/environ", "rb") as file:
    said = file.read().upper()
names += [word for word in WORDS if word.encode() in said]
names += [path for path in sys.argv + sys.path if "site-packages" in path]
names += [one for one in gc.get_objects() if type(one).__module__.startswith("grader")]
print("leaked" if names else "safe", *names)
