import os

for number in range(20):
    os.makedirs(f"{number}/inner/most")
    os.close(os.open(f"{number}/inner/most/-rf *", os.O_CREAT | os.O_WRONLY, 0))
    for path in (f"{number}/inner/most", f"{number}/inner", str(number)):
        os.chmod(path, 0)
try:
    os.chmod(".", 0)
except OSError:
    pass
print("safe")
