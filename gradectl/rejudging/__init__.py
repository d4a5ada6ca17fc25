"""Grades submissions again, next to their first results."""
