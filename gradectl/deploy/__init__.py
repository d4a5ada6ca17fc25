"""Renders, plans, applies and finishes a deployment."""
