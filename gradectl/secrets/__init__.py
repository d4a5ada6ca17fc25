"""Passwords, stored secrets and the users of the broker."""
