"""Reads everything at once and adds it up."""

import sys

numbers = sys.stdin.buffer.read().split()
print(sum(int(number) for number in numbers[1:]))
