"""Tests that share an environment: fixtures can have the scope of a package."""
