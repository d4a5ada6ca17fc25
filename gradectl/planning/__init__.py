"""Reads plans: changes and their reasons, monthly cost, policy, drift."""
