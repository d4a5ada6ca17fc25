"""Runs functions: small programs of the bucket, by name, in the sandbox."""
