"""Leaves bad days out, though a stretch may not."""

import sys

_, *profits = map(int, sys.stdin.read().split())
print(sum(profit for profit in profits if profit > 0))
