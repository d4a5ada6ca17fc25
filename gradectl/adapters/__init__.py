"""One vendor each; a vendor's exception never leaves its module."""
