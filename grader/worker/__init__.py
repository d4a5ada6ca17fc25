"""Receives messages, processes them and settles them."""
