print(len(bytearray(4_000_000_000)))
