"""Submits code and looks results up."""
