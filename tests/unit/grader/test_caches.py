"""Caches as the slots of a worker share them."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

import pytest

from grader.cache.programs import CompileRun
from grader.caches import Caches, Shared, open_caches
from grader.errors import SettingsError
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

    assert not directory.parent.exists()


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


def test_slots_share_one_cache_until_the_last_has_left() -> None:
    """The first opens it, and none closes it for another."""
    shared = Shared(opened)
    with ExitStack() as first, ExitStack() as second:
        one = first.enter_context(shared.use())
        assert second.enter_context(shared.use()) is one
        first.close()
        directory = kept_in(one)
        second.close()

    assert not directory.exists()
    with shared.use() as again:
        assert kept_in(again) != directory


def test_a_cache_that_cannot_be_opened_holds_nobody_up(tmp_path: Path) -> None:
    """The error reaches every slot, and the next attempt is one."""
    tmp_path.chmod(0o755)
    shared = Shared(partial(opened, directory=tmp_path))
    for _ in range(2):
        with pytest.raises(SettingsError), shared.use():
            pass
    tmp_path.chmod(0o700)

    with shared.use() as caches:
        assert kept_in(caches) == tmp_path
