"""Terraform as a child process: found, given its providers, streamed, and stopped in good order."""
