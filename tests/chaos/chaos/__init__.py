"""Faults of every part of a running system, and the account of every request after each."""
