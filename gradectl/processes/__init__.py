"""Finds, starts and watches other programs."""
