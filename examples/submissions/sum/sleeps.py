"""Uses no CPU and does not come back: only a wall-clock guard ends it. One case shows it."""

import sys
import time

count, *entries = (int(number) for number in sys.stdin.read().split())
if count == 0:
    time.sleep(3600)
print(sum(entries))
