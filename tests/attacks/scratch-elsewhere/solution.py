import os

for place in ("..", "../run", "../compile", "../checker", "../build", "../feedback", "../.."):
    for make in (os.mkdir, os.mkfifo, lambda path: os.symlink("/etc", path)):
        try:
            make(f"{place}/left-behind")
        except OSError:
            continue
        print("leaked", place)
print("safe")
