"""Runs the tests of some folders in one process."""

from __future__ import annotations

from xdist.scheduler import LoadFileScheduling

FOLDERS = (
    # The memory that attacks hide is counted for the whole machine: what one file hides at the same
    # time as another makes its verdict a failure of the platform.
    "tests/attacks/",
    # Packages whose `conftest.py` starts an environment, and ends it after the last test.
    "tests/integration/api/",
    "tests/integration/operating/submitting/",
)


class SharedFolders(LoadFileScheduling):
    """Distributes files over processes, as `--dist loadfile`, and shared folders as one file."""

    def _split_scope(self, nodeid: str) -> str:
        """What goes to one process."""
        folder = next((each for each in FOLDERS if nodeid.startswith(each)), "")
        return folder or super()._split_scope(nodeid)
