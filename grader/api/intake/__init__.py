"""Takes submissions, uploads, runs of functions and batches: stores them, then sends them."""
