"""Starts, watches and finds other programs."""
