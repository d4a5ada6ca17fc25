"""The emulated AWS API, and what it lacks."""
