"""Takes one number twice."""

import sys

_, wanted, *numbers = map(int, sys.stdin.read().split())
places = {number: place for place, number in enumerate(numbers, 1)}
for place, number in enumerate(numbers, 1):
    if wanted - number in places:
        print(place, places[wanted - number])
        break
else:
    print("impossible")
