"""Caches shared by the consumers of a worker."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from grader.cache.programs import CompileRun
from grader.errors import SettingsError
from grader.judge.caches import Caches, open_caches
from grader.testing import MemoryObjectStore

MAX_BYTES = 1 << 20
RUN = CompileRun(source=b"", argv=("cc",), toolchain="1", sandbox="1")
opened = partial(open_caches, MemoryObjectStore(), "files", max_bytes=MAX_BYTES)


def kept_in(caches: Caches) -> Path:
    """Where the files of these caches are."""
    with caches.programs.keep_program(RUN, b"program") as held:
        return held.path.readlink().parent


def test_caches_without_a_directory_are_gone_with_their_worker() -> None:
    """Nothing is left on the machine."""
    with opened() as caches:
        directory = kept_in(caches)
        assert directory.is_dir()

    assert not directory.exists()


def test_caches_in_a_directory_are_there_for_the_next_worker(tmp_path: Path) -> None:
    """A worker that is replaced need not begin from nothing."""
    directory = tmp_path / "kept"
    with opened(directory=directory) as caches:
        assert kept_in(caches) == directory
    with opened(directory=directory) as caches:
        held = caches.programs.program(RUN)

    assert held is not None
    held.close()


def test_a_directory_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Whoever can write there decides what is run and compared."""
    tmp_path.chmod(0o755)

    with pytest.raises(SettingsError), opened(directory=tmp_path):
        pass
