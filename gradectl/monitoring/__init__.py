"""Watches an environment: status, logs, and the causes of problems."""
