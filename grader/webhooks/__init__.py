"""Webhooks: which receivers are allowed, when a delivery is tried again, and who sends it."""
