"""What the kernel and the container offer the sandbox; logged at start for troubleshooting."""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import suppress
from pathlib import Path

_LANDLOCK_CREATE_RULESET = 444  # the same number on all architectures
_LANDLOCK_VERSION_FLAG = 1
_STATUS_FIELDS = {
    "capability_bounds": "CapBnd",
    "seccomp_mode": "Seccomp",
    "no_new_privileges": "NoNewPrivs",
}


def describe_host(proc: Path = Path("/proc")) -> dict[str, str]:
    """
    Describe kernel, capabilities, system call filter, user namespaces and Landlock.

    Args:
        proc: Mount point of procfs.
    """
    status = dict(re.findall(r"^(\w+):\s+(\S+)$", (proc / "self/status").read_text(), re.MULTILINE))
    found = {name: status.get(field, "unknown") for name, field in _STATUS_FIELDS.items()}
    found["kernel"] = os.uname().release
    found["landlock"] = _landlock_version()
    found["max_user_namespaces"] = "unknown"
    with suppress(FileNotFoundError):
        found["max_user_namespaces"] = (proc / "sys/user/max_user_namespaces").read_text().strip()
    return found


def _landlock_version() -> str:
    libc = ctypes.CDLL(None)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _LANDLOCK_VERSION_FLAG)
    return str(version) if version > 0 else "absent"
