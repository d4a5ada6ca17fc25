import os

places = [".", "/tmp", "/var/tmp", "/dev/shm", "/run/lock", "/dev/mqueue"]
found = []
for place in places:
    name = f"{place}/left-behind-{os.getuid()}"
    found += [name] if os.path.lexists(name) else []
    try:
        os.mkdir(name)
        with open(f"{name}/-rf \n*", "w") as file:
            file.write("a secret")
    except OSError:
        continue
print("leaked" if found else "safe", *found)
