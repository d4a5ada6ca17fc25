"""Description of kernel and container."""

from __future__ import annotations

import os
from pathlib import Path

from grader.sandbox.host import count_oom_kills, describe_host


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


def test_processes_that_the_kernel_ended_for_lack_of_memory_are_counted(tmp_path: Path) -> None:
    """A kernel or container without the number has none."""
    assert count_oom_kills() >= 0
    assert count_oom_kills(tmp_path) == 0

    (tmp_path / "vmstat").write_text("pgfault 9\noom_kill 17\nnr_free 1\n")
    assert count_oom_kills(tmp_path) == 17

    (tmp_path / "vmstat").write_text("pgfault 9\n")
    assert count_oom_kills(tmp_path) == 0
