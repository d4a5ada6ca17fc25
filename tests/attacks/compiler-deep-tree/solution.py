import os

os.mkdir("hidden")
top = os.open(".", os.O_RDONLY)
os.chdir("hidden")
for _ in range(20000):
    os.mkdir("d")
    os.chdir("d")
os.fchdir(top)
os.chmod("hidden", 0)
