"""The table in docs/languages.md says what the languages say."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


def test_the_table_is_fresh() -> None:
    """Whoever changes a language writes the page again: `make docs`."""
    run = subprocess.run(
        [sys.executable, "scripts/language_reference.py", "--check"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stderr
