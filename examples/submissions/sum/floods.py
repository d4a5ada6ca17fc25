"""Prints for ever."""

while True:
    print("0" * 4096)
