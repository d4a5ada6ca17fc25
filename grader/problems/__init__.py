"""Problem packages: reading, comparison of outputs, scoring."""
