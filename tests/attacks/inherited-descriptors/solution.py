import os

for number in range(3, 4096):
    try:
        os.fstat(number)
    except OSError:
        continue
    print("leaked", number)
print("safe")
