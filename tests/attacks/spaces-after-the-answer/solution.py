print("safe")
for _ in range(100):
    print(" " * 100_000)
