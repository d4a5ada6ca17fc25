"""Inspects queues without changing them."""
