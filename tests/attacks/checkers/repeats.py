"""Tells the submitter what was wrong, by repeating it."""

import sys
from pathlib import Path

WRONG = 43
output = sys.stdin.buffer.read()
for name in ("judgemessage.txt", "teammessage.txt"):
    Path(sys.argv[3], name).write_bytes(b"wrong: " + output)
sys.stdout.buffer.write(output)
sys.stderr.buffer.write(output)
sys.exit(WRONG)
