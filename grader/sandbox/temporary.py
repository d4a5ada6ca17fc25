"""A sandbox for one test process or benchmark: nobody else on the machine has its slot users."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.sandbox.build import Installation, install, uninstall

_SLOTS = 4
_USERS_PER_PROCESS = 4 * _SLOTS
_FIRST_USER = 100_000


@contextmanager
def installed_launcher() -> Iterator[Path]:
    """
    Install a launcher with four slots for as long as the context lasts.

    Its directory is directly below the system's temporary one: the directories of test runners
    let no other user pass.

    Raises:
        SettingsError: There is no compiler, or no way to be root.
    """
    with TemporaryDirectory(prefix="grader-sandbox-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        wanted = Installation(
            output=directory / "launcher",
            box_root=directory / "boxes",
            uid_base=_FIRST_USER + _USERS_PER_PROCESS * os.getpid(),
            slots=_SLOTS,
            worker_gid=os.getegid(),
        )
        install(wanted)
        try:
            yield wanted.output
        finally:
            uninstall(wanted)
