for number in range(80):
    with open(str(number), "wb") as file:
        file.write(b"x" * (1 << 20))
print("safe")
