"""Amazon SQS: receiving, sending and counting messages."""
