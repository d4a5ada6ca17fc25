"""Remembers where each number was, and looks for what is missing to the sum."""

import sys

_, wanted, *numbers = map(int, sys.stdin.read().split())
places: dict[int, int] = {}
for place, number in enumerate(numbers, 1):
    if wanted - number in places:
        print(places[wanted - number], place)
        break
    places[number] = place
else:
    print("impossible")
