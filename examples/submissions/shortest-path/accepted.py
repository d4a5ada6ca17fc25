"""Dijkstra with a heap."""

import heapq
import sys


def main() -> None:
    """Read the town, print the answer."""
    n, m, start, goal, *numbers = map(int, sys.stdin.buffer.read().split())
    streets = [[] for _ in range(n + 1)]
    for i in range(0, 3 * m, 3):
        u, v, seconds = numbers[i : i + 3]
        streets[u].append((v, seconds))
    reached = set()
    heap = [(0, start)]
    while heap:
        so_far, here = heapq.heappop(heap)
        if here == goal:
            print(so_far)
            return
        if here in reached:
            continue
        reached.add(here)
        for there, seconds in streets[here]:
            if there not in reached:
                heapq.heappush(heap, (so_far + seconds, there))
    print(-1)


main()
