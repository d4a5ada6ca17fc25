"""
A launcher for one process, installed for a limited time.

For commands that judge on a machine without an installed sandbox. User ids are derived from the
process id, so that several such launchers on a machine never share a user.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.signals import uninterrupted

_BOXES = 4
_USERS_PER_PROCESS = 4 * _BOXES
_FIRST_USER = 100_000


@contextmanager
def installed_launcher() -> Iterator[Path]:
    """
    Install a launcher with four boxes, and remove it at exit.

    It goes directly below the system's temporary directory, since users of a box have to pass
    through all its parents.

    Raises:
        SettingsError: There is no compiler, or root rights are not available.
    """
    with TemporaryDirectory(prefix="grader-sandbox-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        wanted = Installation(
            output=directory / "launcher",
            box_root=directory / "boxes",
            uid_base=_FIRST_USER + _USERS_PER_PROCESS * os.getpid(),
            boxes=_BOXES,
            worker_gid=os.getegid(),
        )
        try:
            install(wanted)
            yield wanted.output
        finally:
            with uninterrupted():
                uninstall(wanted)
