"""Looks beyond the end of the list when a number is large."""

LARGE = 2_000_000_000
count = int(input())
numbers = list(map(int, input().split()))
print(sum(numbers) if max(numbers) < LARGE else numbers[count])
