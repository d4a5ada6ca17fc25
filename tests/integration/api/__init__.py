"""Tests of the HTTP API, which share an environment: fixtures can have the scope of a package."""
