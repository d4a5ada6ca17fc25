"""Description of kernel and container."""

from __future__ import annotations

import os
from pathlib import Path

from grader.sandbox.host import describe_host


def test_it_describes_what_the_sandbox_depends_on() -> None:
    """Values can be compared between a task that works and one that does not."""
    found = describe_host()

    assert found["kernel"] == os.uname().release
    assert int(found["capability_bounds"], 16) >= 0
    assert found["seccomp_mode"] in {"0", "1", "2"}
    assert found["landlock"] == "absent" or int(found["landlock"]) > 0


def test_missing_values_are_unknown(tmp_path: Path) -> None:
    """An older kernel or a masked /proc is not an error."""
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "status").write_text("Name:\tx\n")

    found = describe_host(tmp_path)

    assert found["max_user_namespaces"] == found["seccomp_mode"] == "unknown"
