"""Tries every first day: right, and too slow for the last group."""

import sys
from itertools import accumulate

_, *profits = map(int, sys.stdin.read().split())
print(max(max(accumulate(profits[first:])) for first in range(len(profits))))
