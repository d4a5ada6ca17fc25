"""The best stretch that ends today is today's profit, with yesterday's best where that helps."""

import sys

_, *profits = map(int, sys.stdin.read().split())
best = ending_today = profits[0]
for profit in profits[1:]:
    ending_today = profit + max(ending_today, 0)
    best = max(best, ending_today)
print(best)
