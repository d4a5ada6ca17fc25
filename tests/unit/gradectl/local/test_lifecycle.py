"""Ending what does not run is no error."""

from __future__ import annotations

import os
from pathlib import Path

from gradectl.local import lifecycle
from gradectl.local.stack import take_lock


def test_down_where_nothing_ever_ran_does_nothing(tmp_path: Path) -> None:
    """It may stand at the end of any script."""
    assert not lifecycle.down(tmp_path / "absent")
    assert not lifecycle.down(tmp_path)


def test_down_after_the_supervisor_has_died_does_nothing(tmp_path: Path) -> None:
    """Its number may belong to another program by now, which must not be ended."""
    os.close(take_lock(tmp_path))

    assert not lifecycle.down(tmp_path)
