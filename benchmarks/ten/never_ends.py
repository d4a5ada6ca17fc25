"""Never ends when a number is large."""

LARGE = 2_000_000_000
count = int(input())
numbers = list(map(int, input().split()))
while max(numbers) >= LARGE:
    pass
print(sum(numbers))
