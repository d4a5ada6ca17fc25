"""The examples of docs/api.md, run as they are printed."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from api_world import ApiProcess

pytestmark = pytest.mark.engine
PAGE = Path(__file__).resolve().parents[3] / "docs" / "api.md"


def test_the_examples_of_the_page_work(api: ApiProcess, key: str, tmp_path: Path) -> None:
    """One after the other in one shell, as a reader pastes them."""
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    script = "set -euo pipefail\n" + "\necho ----\n".join(blocks)

    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "API": api.url, "KEY": key},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    first, waited, events = done.stdout.split("\n----\n" if "\n----\n" in done.stdout else "----\n")
    assert '"requestId"' in first
    assert '"verdict":"AC"' in waited
    assert "event: submission" in events
