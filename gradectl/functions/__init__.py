"""Functions: reading their folders, listing them, and showing their answers."""
