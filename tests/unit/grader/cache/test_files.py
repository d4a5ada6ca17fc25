"""Files on disk that are found again, and bounded."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.cache.files import FileCache, HeldFile
from grader.errors import SettingsError, TemporaryError

BLOCK = 4096
LONG_AGO = 1_000_000_000


def writing(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def read(held: HeldFile | None) -> bytes | None:
    if held is None:
        return None
    with held:
        return held.path.read_bytes()


def keep(cache: FileCache, name: str, blocks: int = 1) -> None:
    cache.add(name, writing(b"x" * (blocks * BLOCK))).close()


def age(directory: Path, name: str, used_at: int) -> None:
    os.utime(directory / name, (used_at, used_at))


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """Directory of the cache; does not exist yet."""
    return tmp_path / "cache"


def test_what_was_added_is_found_and_nothing_else(directory: Path) -> None:
    """A name stands for one content."""
    cache = FileCache(directory, 1 << 20)

    assert read(cache.add("a1", writing(b"content"))) == b"content"
    assert read(cache.get("a1")) == b"content"
    assert cache.get("b2") is None


def test_a_worker_finds_what_another_left(directory: Path) -> None:
    """Workers on one host may share a directory, also one after the other."""
    keep(FileCache(directory, 1 << 20), "a1")

    assert FileCache(directory, 1 << 20).get("a1") is not None


def test_the_directory_is_the_workers_alone_and_files_can_be_read_by_descriptor(
    directory: Path,
) -> None:
    """A user of a box cannot enter the directory; a sandboxed checker reopens its descriptor."""
    keep(FileCache(directory, 1 << 20), "a1")

    assert directory.stat().st_mode & 0o777 == 0o700
    assert (directory / "a1").stat().st_mode & 0o777 == 0o644


@pytest.mark.parametrize("mode", [0o755, 0o770, 0o701])
def test_a_directory_that_others_can_enter_is_refused(directory: Path, mode: int) -> None:
    """They could have put a file there, and the worker would believe it."""
    directory.mkdir()
    directory.chmod(mode)

    with pytest.raises(SettingsError, match="only the worker's user can enter"):
        FileCache(directory, 1 << 20)


def test_a_link_to_a_directory_is_refused(directory: Path, tmp_path: Path) -> None:
    """Whoever made the link decides where it leads."""
    (tmp_path / "real").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "real")

    with pytest.raises(SettingsError):
        FileCache(directory, 1 << 20)


def test_the_least_recently_used_go_first(directory: Path) -> None:
    """What is used stays, however long ago it was added."""
    cache = FileCache(directory, 32 * BLOCK)
    for number in range(32):
        keep(cache, f"{number:02}")
        age(directory, f"{number:02}", LONG_AGO + number)
    read(cache.get("00"))
    keep(cache, "32")

    assert cache.get("00") is not None
    assert cache.get("01") is None
    assert cache.get("32") is not None


def test_the_bound_holds_after_every_file(directory: Path) -> None:
    """Blocks of the disk are counted, so many tiny files are bounded as well."""
    cache = FileCache(directory, 32 * BLOCK)
    for number in range(200):
        cache.add(f"{number:03}", writing(b"tiny")).close()

        taken = sum(file.stat().st_blocks * 512 for file in directory.iterdir())
        assert taken <= 32 * BLOCK


def test_a_file_in_use_survives_its_removal(directory: Path) -> None:
    """A case that runs for long is not taken away from under the program."""
    cache = FileCache(directory, 16 * BLOCK)
    held = cache.add("a1", writing(b"in use"))
    age(directory, "a1", LONG_AGO)
    for number in range(32):
        keep(cache, f"{number:02}")

    assert cache.get("a1") is None
    assert read(held) == b"in use"


def test_a_file_too_large_to_be_worth_it_is_used_and_not_kept(directory: Path) -> None:
    """One case of 200 MB does not push out the whole cache."""
    cache = FileCache(directory, 16 * BLOCK)
    keep(cache, "small")

    assert read(cache.add("large", writing(b"x" * 5 * BLOCK))) == b"x" * 5 * BLOCK
    assert cache.get("large") is None
    assert cache.get("small") is not None
    assert [file.name for file in directory.iterdir()] == ["small"]


def test_a_file_that_could_not_be_made_leaves_nothing(directory: Path) -> None:
    """What raises while it is made passes through."""
    cache = FileCache(directory, 1 << 20)

    def fail(path: Path) -> None:
        path.write_bytes(b"half")
        raise TemporaryError("connection lost")

    with pytest.raises(TemporaryError, match="connection lost"):
        cache.add("a1", fail)
    assert list(directory.iterdir()) == []


def test_what_a_killed_worker_left_unfinished_is_never_used_and_removed(directory: Path) -> None:
    """A file of now may be one that another worker is writing; one of long ago is not."""
    FileCache(directory, 1 << 20)
    (directory / "partial-now").write_bytes(b"half")
    (directory / "partial-old").write_bytes(b"half")
    age(directory, "partial-old", LONG_AGO)

    cache = FileCache(directory, 1 << 20)

    assert cache.get("now") is None
    assert [file.name for file in directory.iterdir()] == ["partial-now"]


def test_a_full_disk_is_freed_once_and_then_said(directory: Path) -> None:
    """What is kept for speed gives way to what is needed now; the next attempt may succeed."""
    cache = FileCache(directory, 1 << 20)
    keep(cache, "old")
    seen: list[bool] = []

    def need_room(path: Path) -> None:
        seen.append((directory / "old").exists())
        if len(seen) == 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        path.write_bytes(b"fits now")

    def never_fits(path: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    assert read(cache.add("a1", need_room)) == b"fits now"
    assert seen == [True, False]
    with pytest.raises(TemporaryError, match="No space left on device"):
        cache.add("b2", never_fits)


def test_an_error_of_the_disk_that_is_no_lack_of_room_is_not_hidden(directory: Path) -> None:
    """Removing files would not help."""
    cache = FileCache(directory, 1 << 20)
    keep(cache, "old")

    def fail(path: Path) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    with pytest.raises(OSError, match="Input/output error"):
        cache.add("a1", fail)
    assert cache.get("old") is not None


def test_threads_that_add_and_find_at_once_see_whole_files(directory: Path) -> None:
    """Slots share one cache; each finds what it wants whole, or not at all."""
    cache = FileCache(directory, 64 * BLOCK)
    wrong: list[str] = []

    def work(seed: int) -> None:
        for number in range(100):
            name = f"{(number * seed) % 30:02}"
            content = name.encode() * BLOCK
            cache.add(name, writing(content)).close()
            found = read(cache.get(name))
            if found not in (None, content):
                wrong.append(name)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in (1, 7, 11, 13)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_a_forgotten_file_is_gone(directory: Path) -> None:
    """Removing what is not there is no error."""
    cache = FileCache(directory, 1 << 20)
    keep(cache, "a1")

    cache.remove("a1")
    cache.remove("a1")

    assert cache.get("a1") is None
