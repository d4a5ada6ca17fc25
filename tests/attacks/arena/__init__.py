"""Grades hostile submissions and finds what they changed."""
