"""Does not expect that there may be no such pair."""

import sys

_, wanted, *numbers = map(int, sys.stdin.read().split())
places = {number: place for place, number in enumerate(numbers, 1)}
first = next(
    number for place, number in enumerate(numbers, 1) if places.get(wanted - number, place) != place
)
print(numbers.index(first) + 1, places[wanted - first])
