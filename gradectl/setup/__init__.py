"""The first day of an environment: its file, cost, imports and roles."""
