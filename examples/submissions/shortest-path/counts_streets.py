"""Wrong: finds the way with the fewest streets, which is not always the fastest."""

import sys
from collections import deque

n, m, start, goal, *numbers = map(int, sys.stdin.buffer.read().split())
streets = [[] for _ in range(n + 1)]
for i in range(0, 3 * m, 3):
    streets[numbers[i]].append((numbers[i + 1], numbers[i + 2]))
seconds_to = {start: 0}
queue = deque([start])
while queue:
    here = queue.popleft()
    for there, seconds in streets[here]:
        if there not in seconds_to:
            seconds_to[there] = seconds_to[here] + seconds
            queue.append(there)
print(seconds_to.get(goal, -1))
