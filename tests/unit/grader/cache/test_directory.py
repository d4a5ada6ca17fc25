"""A directory that is gone with its worker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from grader.cache.directory import own_directory

LONG_AGO = 1_000_000_000
#: Makes one, says where, and waits to be killed.
WORKER = """
import signal, sys
from pathlib import Path
from grader.cache.directory import own_directory
with own_directory(Path(sys.argv[1])) as directory:
    (directory / "kept").write_text("x")
    print(directory, flush=True)
    signal.pause()
"""


def grow_old(path: Path) -> None:
    os.utime(path, (LONG_AGO, LONG_AGO))


def test_it_is_there_as_long_as_its_worker(tmp_path: Path) -> None:
    """Other users cannot enter it."""
    with own_directory(tmp_path) as directory:
        assert directory.stat().st_mode & 0o777 == 0o700

    assert list(tmp_path.iterdir()) == []


def test_that_of_a_killed_worker_goes_when_the_next_one_starts(tmp_path: Path) -> None:
    """Not while it lives, and as soon as it does not."""
    with subprocess.Popen(
        [sys.executable, "-c", WORKER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as worker:
        assert worker.stdout is not None
        theirs = Path(worker.stdout.readline().strip())
        grow_old(theirs)
        with own_directory(tmp_path):
            assert (theirs / "kept").exists()
        worker.kill()
    grow_old(theirs)

    with own_directory(tmp_path) as ours:
        assert list(tmp_path.iterdir()) == [ours]


def test_one_that_was_made_a_moment_ago_is_let_be(tmp_path: Path) -> None:
    """Its worker may be about to lock it."""
    young = tmp_path / "grader-cache-young"
    young.mkdir()

    with own_directory(tmp_path):
        assert young.is_dir()


def test_a_link_or_a_file_of_such_a_name_is_let_be(tmp_path: Path) -> None:
    """What is behind the link is not ours to remove."""
    real = tmp_path / "real"
    (real / "kept").mkdir(parents=True)
    (tmp_path / "grader-cache-link").symlink_to(real)
    (tmp_path / "grader-cache-file").write_text("")
    os.utime(tmp_path / "grader-cache-link", (LONG_AGO, LONG_AGO), follow_symlinks=False)
    grow_old(tmp_path / "grader-cache-file")

    with own_directory(tmp_path):
        pass

    assert (real / "kept").is_dir()
    assert (tmp_path / "grader-cache-file").exists()
