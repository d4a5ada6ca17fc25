"""Cgroups with a limit on memory, for the time of a test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp

_CGROUPS = Path("/sys/fs/cgroup")
_IS_V2 = (_CGROUPS / "cgroup.controllers").exists()
_ROOT = _CGROUPS if _IS_V2 else _CGROUPS / "memory"
_LIMIT = "memory.max" if _IS_V2 else "memory.limit_in_bytes"
_USED = "memory.current" if _IS_V2 else "memory.usage_in_bytes"


def why_no_cgroup() -> str:
    """Say why this process cannot make a cgroup with a limit on memory; empty if it can."""
    try:
        with memory_cgroup(1 << 30):
            return ""
    except OSError as error:
        return f"no cgroup with a limit on memory: {error}"


@contextmanager
def memory_cgroup(limit_bytes: int) -> Iterator[Path]:
    """Make a cgroup of either version with a limit on memory, and remove it at exit."""
    if _IS_V2:
        with suppress(OSError):  # mostly it is there already; without it there is no limit file
            (_CGROUPS / "cgroup.subtree_control").write_text("+memory")
    group = Path(mkdtemp(prefix="grader-test-", dir=_ROOT))
    try:
        (group / _LIMIT).write_text(str(limit_bytes))
        yield group
    finally:
        group.rmdir()


def enter(group: Path) -> None:
    """Move this process, with all memory that it touches from now on, to a cgroup."""
    (group / "cgroup.procs").write_text(str(os.getpid()))


@contextmanager
def inside(group: Path) -> Iterator[None]:
    """Be in a cgroup; children that are started here stay in it."""
    name = re.search(
        r"^0::/(.*)$" if _IS_V2 else r"^\d+:memory:/(.*)$",
        Path("/proc/self/cgroup").read_text(),
        re.MULTILINE,
    )
    enter(group)
    try:
        yield
    finally:
        before = _ROOT / (name[1] if name else "")
        enter(before if before.is_dir() else _ROOT)  # a container may see its own as the root


def free_memory(group: Path) -> int:
    """Bytes below the limit of a cgroup."""
    return int((group / _LIMIT).read_text()) - int((group / _USED).read_text())
