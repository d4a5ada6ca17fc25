"""Runs Terraform as a child process: program, providers, output stream and graceful stop."""
