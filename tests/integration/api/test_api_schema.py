"""All of the API but its event streams, against its own description."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from api_world import ApiWorld

from grader.api.auth import Scope

pytestmark = pytest.mark.engine
SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
#: Waiting for a worker is tested elsewhere; here each call should be short.
SHORT = {"API_WAIT_ENABLED": "false"}


def test_no_generated_call_finds_a_fault(world: ApiWorld, tmp_path: Path) -> None:
    """No 5xx but 503; answers are as described; what is invalid is refused, and the rest is not."""
    api = world.start_api(**SHORT)
    key = world.make_key("fuzz", *Scope)

    done = subprocess.run(
        [
            str(SCHEMATHESIS), "run", f"{api.url}/openapi.json",
            "--header", f"Authorization: Bearer {key}",
            "--checks", "all",
            # a body may be as described and name a problem or a receiver that there is not
            "--exclude-checks", "positive_data_acceptance",
            "--exclude-path-regex", "/events$",  # those of earlier answers do not end
            "--phases", "examples,coverage,fuzzing",
            "--max-examples", "15", "--seed", "1", "--no-color",
            "--request-timeout", "60",
        ],
        cwd=tmp_path, env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout[-8000:]
    assert api.get("/health").json["status"] == "ok"
