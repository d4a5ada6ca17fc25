"""Objects that are fetched once."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from grader.cache.files import FileCache
from grader.cache.objects import ObjectCache
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, TemporaryError
from grader.problems.model import StoredFile
from grader.testing import MemoryObjectStore

BUCKET = "files"
KEY = "problems/p/testcases/1.in"


class CountingStore(MemoryObjectStore):
    """A bucket that counts downloads, and can send something else than it has."""

    def __init__(self) -> None:
        """Begin empty and honest."""
        super().__init__()
        self.downloads = 0
        self.sends: list[bytes] = []

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Write an object, or what is to be sent in its place."""
        self.downloads += 1
        if self.sends:
            target.write_bytes(self.sends.pop(0))
        else:
            super().download(key, target, max_bytes=max_bytes, etag=etag)

    def stored(self, key: str) -> StoredFile:
        """How a listing shows an object."""
        (found,) = self.list(key)
        return StoredFile(found.key, found.size_bytes, found.etag)


@pytest.fixture
def store() -> CountingStore:
    """A bucket with one input."""
    store = CountingStore()
    store.put(KEY, b"42\n", content_type="text/plain")
    return store


@pytest.fixture
def cache(store: CountingStore, tmp_path: Path) -> ObjectCache:
    """An empty cache of it."""
    return ObjectCache(FileCache(tmp_path / "cache", 1 << 20), store, BUCKET)


def fetch(cache: ObjectCache, wanted: StoredFile) -> bytes:
    with cache.fetch(wanted, max_bytes=1000) as held:
        return held.path.read_bytes()


def test_an_object_is_fetched_once(cache: ObjectCache, store: CountingStore) -> None:
    """The second time it is here."""
    wanted = store.stored(KEY)

    assert cache.held(wanted) is None
    assert [fetch(cache, wanted), fetch(cache, wanted)] == [b"42\n", b"42\n"]
    assert store.downloads == 1
    held = cache.held(wanted)
    assert held is not None
    held.close()


def test_an_object_that_was_replaced_is_another_one(
    cache: ObjectCache, store: CountingStore
) -> None:
    """Who corrects a test case sees it judged by the new one at once."""
    fetch(cache, store.stored(KEY))
    store.put(KEY, b"43\n", content_type="text/plain")

    assert fetch(cache, store.stored(KEY)) == b"43\n"


def test_an_object_replaced_after_it_was_listed_is_worth_another_attempt(
    cache: ObjectCache, store: CountingStore
) -> None:
    """Half of the cases of one version and half of another would be no verdict."""
    listed = store.stored(KEY)
    store.put(KEY, b"43\n", content_type="text/plain")

    with pytest.raises(TemporaryError, match="changed since it was listed"):
        fetch(cache, listed)


def test_objects_of_two_buckets_and_keys_are_kept_apart(
    cache: ObjectCache, store: CountingStore, tmp_path: Path
) -> None:
    """The same content elsewhere may be another problem's secret, but is never mixed up."""
    wanted = store.stored(KEY)
    fetch(cache, wanted)
    other = ObjectCache(FileCache(tmp_path / "cache", 1 << 20), store, "other-bucket")

    assert other.held(wanted) is None
    assert cache.held(replace(wanted, key=KEY + "x")) is None


@pytest.mark.parametrize("name", ["-rf", "a\nb", "ä ö", "../../etc/passwd", "x" * 900, "\udcff"])
def test_an_odd_name_is_never_a_path(cache: ObjectCache, store: CountingStore, name: str) -> None:
    """What lies on disk is named by a digest."""
    store.put(name, b"content", content_type="text/plain")

    assert fetch(cache, store.stored(name)) == b"content"


def test_what_came_short_is_not_kept(cache: ObjectCache, store: CountingStore) -> None:
    """A verdict over half an input would be wrong."""
    store.sends = [b"4"]

    with pytest.raises(TemporaryError, match="download has 1 bytes, the listing 3"):
        fetch(cache, store.stored(KEY))
    assert fetch(cache, store.stored(KEY)) == b"42\n"


def test_what_came_damaged_is_fetched_again(cache: ObjectCache, store: CountingStore) -> None:
    """The MD5 that the listing shows tells."""
    store.sends = [b"4x\n"]

    assert fetch(cache, store.stored(KEY)) == b"42\n"
    assert store.downloads == 2


def test_what_comes_differently_each_time_is_not_believed(
    cache: ObjectCache, store: CountingStore
) -> None:
    """Nothing is kept of it."""
    store.sends = [b"4x\n", b"4y\n"]

    with pytest.raises(TemporaryError, match="each download had different content"):
        fetch(cache, store.stored(KEY))
    assert cache.held(store.stored(KEY)) is None


@pytest.mark.parametrize("etag", ["0" * 32, "1b2c-7"])
def test_an_etag_that_is_no_md5_is_only_a_name(
    cache: ObjectCache, store: CountingStore, etag: str
) -> None:
    """Objects that were uploaded in parts or are encrypted with keys of KMS have such."""
    store.sends = [b"42\n", b"42\n"]

    assert fetch(cache, replace(store.stored(KEY), etag=etag)) == b"42\n"


def test_a_kept_file_that_lost_its_end_is_fetched_again(
    cache: ObjectCache, store: CountingStore, tmp_path: Path
) -> None:
    """A power cut may leave a file shorter than it was."""
    fetch(cache, store.stored(KEY))
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(b"")

    assert fetch(cache, store.stored(KEY)) == b"42\n"


def test_what_is_missing_or_too_large_is_told_as_the_store_tells_it(
    cache: ObjectCache, store: CountingStore
) -> None:
    """The caller knows what that means for the request."""
    wanted = store.stored(KEY)
    with pytest.raises(ObjectTooLargeError):
        cache.fetch(wanted, max_bytes=2)
    store.delete([KEY])

    with pytest.raises(ObjectNotFoundError):
        fetch(cache, wanted)


def test_slots_that_want_one_object_fetch_it_once(cache: ObjectCache, store: CountingStore) -> None:
    """At the start of a contest every consumer needs the same problem."""
    wanted = store.stored(KEY)
    threads = [threading.Thread(target=fetch, args=(cache, wanted)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert store.downloads == 1
