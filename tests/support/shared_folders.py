"""Runs the tests of some folders in one process, because their files share an environment."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

#: Each is a package, whose `conftest.py` starts the environment, and ends it after the last test.
FOLDERS = ("tests/integration/api/", "tests/integration/operating/submitting/")


class SharedFolders(LoadFileScheduling):
    """Distributes files over processes, as `--dist loadfile`, and shared folders as one file."""

    def _split_scope(self, nodeid: str) -> str:
        """What goes to one process."""
        folder = next((each for each in FOLDERS if nodeid.startswith(each)), "")
        return folder or super()._split_scope(nodeid)
