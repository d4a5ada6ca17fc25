"""Accepts the answer and nothing else, as a judge would write it."""

import sys
from pathlib import Path

ACCEPTED, WRONG = 42, 43
answer = Path(sys.argv[2]).read_bytes().split()
sys.exit(ACCEPTED if sys.stdin.buffer.read().split() == answer else WRONG)
