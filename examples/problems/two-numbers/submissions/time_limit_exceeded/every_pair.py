"""Tries every pair."""

import sys
from itertools import combinations

_, wanted, *numbers = map(int, sys.stdin.read().split())
for (place, number), (other_place, other) in combinations(enumerate(numbers, 1), 2):
    if number + other == wanted:
        print(place, other_place)
        break
else:
    print("impossible")
