"""Where hostile submissions are graded, and where one looks for what they changed."""
