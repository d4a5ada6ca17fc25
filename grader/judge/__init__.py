"""Grades one submission: load, compile, run, compare, report."""
