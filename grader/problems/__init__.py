"""Problem packages: reading, comparing, scoring."""
