"""The real engines behind the emulated services."""
