"""Inspects the queues of an environment without changing them."""
