"""Reading functions from the bucket and the cache."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from grader.cache.files import FileCache
from grader.client.functions import delete_function, make_manifest, upload_function
from grader.contract.bucket import function_file_key, function_manifest_key
from grader.errors import HiddenObjectError, RequestError, TemporaryError
from grader.functions.code import FRESH_SECONDS, FunctionNotFoundError, FunctionStore
from grader.testing import MemoryObjectStore

MAX_BYTES = 1000


class CountingStore(MemoryObjectStore):
    """A bucket that lists what was read of it."""

    def __init__(self) -> None:
        """Start empty."""
        super().__init__()
        self.read: list[str] = []
        self.is_hidden = False

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read an object, also to download it."""
        if self.is_hidden:
            raise HiddenObjectError("may not be read", where=key)
        self.read.append(key)
        return super().get(key, max_bytes=max_bytes)


class Bench:
    """A bucket, the functions of it, and their clock."""

    def __init__(self, directory: Path) -> None:
        """Start with an empty bucket and cache."""
        self.now = 100.0
        self.store = CountingStore()
        self.cache = directory / "cache"
        self.functions = FunctionStore(
            self.store, FileCache(self.cache, 1 << 20), MAX_BYTES, lambda: self.now
        )

    def push(self, source: bytes, *others: bytes) -> Sequence[str]:
        """Push `hello` with these files; returns their digests."""
        contents = {"main.py": source} | {f"other{n}": each for n, each in enumerate(others)}
        manifest = make_manifest(
            function_id="hello", runtime="python", entry="main.py", contents=contents
        )
        upload_function(self.store, manifest, contents)
        self.store.read.clear()
        return [manifest.files[name] for name in contents]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """An empty bucket."""
    return Bench(tmp_path)


def test_a_function_is_read_once_and_then_kept_for_two_seconds(bench: Bench) -> None:
    """So a run of a busy function reads nothing of the bucket."""
    bench.push(b"print(1)", b"data")

    code = bench.functions.load("hello")
    again = bench.functions.load("hello")

    assert (code.source, code.files["other0"]) == (b"print(1)", b"data")
    assert again == code
    assert len(bench.store.read) == 3
    bench.now += FRESH_SECONDS
    assert bench.functions.load("hello") == code
    assert bench.store.read[3:] == [function_manifest_key("hello")]


def test_a_pushed_version_is_run_after_two_seconds(bench: Bench) -> None:
    """A run has all files of one version, because the one before stays in the bucket."""
    bench.push(b"one", b"data of one")
    bench.functions.load("hello")
    bench.push(b"two", b"data of two")

    assert bench.functions.load("hello").files == {"main.py": b"one", "other0": b"data of one"}
    bench.now += FRESH_SECONDS
    assert bench.functions.load("hello").files == {"main.py": b"two", "other0": b"data of two"}


def test_a_function_that_was_deleted_is_not_found(bench: Bench) -> None:
    """After two seconds; and at once if its files are not in the cache any more."""
    bench.push(b"one")
    bench.functions.load("hello")
    delete_function(bench.store, "hello")

    assert bench.functions.load("hello").source == b"one"
    for path in bench.cache.iterdir():
        path.unlink()
    with pytest.raises(FunctionNotFoundError):
        bench.functions.load("hello")


def test_a_function_without_a_manifest_is_not_found(bench: Bench) -> None:
    """It is looked up each time, so that it runs as soon as it was pushed."""
    for _ in range(2):
        with pytest.raises(FunctionNotFoundError):
            bench.functions.load("hello")
    bench.push(b"one")

    assert bench.functions.load("hello").source == b"one"


def test_a_missing_right_is_not_a_missing_function(bench: Bench) -> None:
    """It is the fault of the environment, so the request is tried again."""
    bench.push(b"one")
    bench.store.is_hidden = True

    with pytest.raises(HiddenObjectError):
        bench.functions.load("hello")


def test_a_damaged_file_in_the_cache_is_downloaded_again(bench: Bench) -> None:
    """As after a power cut."""
    (digest,) = bench.push(b"print(1)")
    bench.functions.load("hello")
    (bench.cache / digest).write_bytes(b"print(")

    assert bench.functions.load("hello").source == b"print(1)"
    assert bench.functions.load("hello").source == b"print(1)"


def test_a_file_with_other_content_than_its_name_says_is_not_run(bench: Bench) -> None:
    """It may be an upload that has not ended; nothing of it is kept."""
    (digest,) = bench.push(b"print(1)")
    bench.store.objects[function_file_key("hello", digest)] = b"print(2)"

    with pytest.raises(TemporaryError, match="does not match its name"):
        bench.functions.load("hello")
    assert list(bench.cache.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({}, "the file main.py is missing"),
        ({"file": b"x" * (MAX_BYTES + 1)}, "the file main.py has more than 1000 bytes"),
        ({"manifest": b"\xff"}, "invalid manifest"),
        ({"manifest": b" " * (1 << 17)}, "the manifest has more than 65536 bytes"),
    ],
)
def test_a_broken_function_is_refused_with_the_reason(
    bench: Bench, change: dict[str, bytes], says: str
) -> None:
    """A retry would not help; pushing it again does."""
    (digest,) = bench.push(b"print(1)")
    del bench.store.objects[function_file_key("hello", digest)]
    if "file" in change:
        bench.store.objects[function_file_key("hello", digest)] = change["file"]
    if "manifest" in change:
        bench.store.objects[function_manifest_key("hello")] = change["manifest"]

    with pytest.raises(RequestError, match=says):
        bench.functions.load("hello")
    bench.push(b"print(1)")
    assert bench.functions.load("hello").source == b"print(1)"


def test_the_manifest_of_another_function_is_refused(bench: Bench) -> None:
    """A copied folder would run under both names, with one history."""
    bench.push(b"print(1)")
    manifest = bench.store.objects[function_manifest_key("hello")]
    bench.store.objects[function_manifest_key("copy")] = manifest

    with pytest.raises(RequestError, match="of another function: hello"):
        bench.functions.load("copy")
