"""Adds the numbers up."""

count = int(input())
print(sum(map(int, input().split())))
