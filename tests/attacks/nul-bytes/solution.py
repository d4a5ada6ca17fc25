print("safe\0")
