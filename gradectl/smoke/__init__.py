"""Sends one marked job through each queue and reports each hop."""
