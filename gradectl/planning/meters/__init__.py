"""What each type of resource bills in a month."""
