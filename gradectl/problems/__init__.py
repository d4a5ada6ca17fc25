"""Reads, checks, uploads and verifies problems."""
