"""Names and messages that other programs rely on; pure data."""
