"""One vendor per module; the vendor's exceptions never leave it."""
