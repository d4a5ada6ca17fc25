"""The files of cases, fetched ahead and bounded."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from grader.cache.files import FileCache
from grader.cache.objects import ObjectCache
from grader.errors import RequestError, TemporaryError
from grader.judge.case_fetcher import FILE_MAX_BYTES, CaseFetcher
from grader.problems.model import CaseFiles, StoredFile
from grader.testing import MemoryObjectStore

BUCKET = "files"
WAIT_SECONDS = 30


class WatchedStore(MemoryObjectStore):
    """A bucket that tells what is fetched, and can be made to wait."""

    def __init__(self) -> None:
        """Begin empty, and ready to send."""
        super().__init__()
        self.asked: list[str] = []
        self.came = threading.Condition()
        self.may_send = threading.Event()
        self.may_send.set()

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """Say that it was asked for, and send when that is allowed."""
        with self.came:
            self.asked.append(key)
            self.came.notify_all()
        assert self.may_send.wait(WAIT_SECONDS)
        super().download(key, target, max_bytes=max_bytes, etag=etag)

    def wait_until_asked_for(self, count: int) -> None:
        """Return when so many objects were asked for."""
        with self.came:
            assert self.came.wait_for(lambda: len(self.asked) >= count, WAIT_SECONDS)

    def case(self, name: str, content: bytes = b"42\n") -> CaseFiles:
        """Store a case, and show it as a listing would."""
        for ending in (".in", ".ans"):
            self.put(f"{name}{ending}", content, content_type="text/plain")
        shown = {found.key: found for found in self.list(name)}
        files = [
            StoredFile(found.key, found.size_bytes, found.etag)
            for found in (shown[f"{name}.in"], shown[f"{name}.ans"])
        ]
        return CaseFiles(name, *files)


@pytest.fixture
def store() -> WatchedStore:
    """An empty bucket."""
    return WatchedStore()


@pytest.fixture
def cache(store: WatchedStore, tmp_path: Path) -> ObjectCache:
    """An empty cache of it."""
    return ObjectCache(FileCache(tmp_path / "cache", 1 << 30), store, BUCKET)


@pytest.fixture
def fetcher(cache: ObjectCache) -> Iterator[CaseFetcher]:
    """A fetcher with one helper."""
    with ThreadPoolExecutor(1) as executor:
        yield CaseFetcher(cache, executor)


def all_wanted(_: CaseFiles) -> bool:
    return True


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_every_case_is_opened_in_order(fetcher: CaseFetcher, store: WatchedStore) -> None:
    """Inputs and answers are those of the case."""
    cases = [store.case(str(number), f"{number}\n".encode()) for number in range(20)]

    seen = [
        (opened.case.name, opened.input.read_bytes(), opened.answer.read_bytes())
        for opened in fetcher.each(cases, all_wanted)
    ]

    assert seen == [(str(number), *[f"{number}\n".encode()] * 2) for number in range(20)]


def test_the_next_cases_are_fetched_while_one_is_run(
    fetcher: CaseFetcher, store: WatchedStore
) -> None:
    """A few of them, however many there are."""
    cases = [store.case(f"{number:02}") for number in range(20)]
    with closing(fetcher.each(cases, all_wanted)) as opened:
        next(opened)
        store.wait_until_asked_for(10)

        assert store.asked == [
            f"{number:02}{end}" for number in range(5) for end in (".in", ".ans")
        ]


def test_bytes_ahead_are_bounded_too(
    fetcher: CaseFetcher, store: WatchedStore, cache: ObjectCache
) -> None:
    """Five cases of 200 MB are not fetched because one is run."""
    cases = [store.case(f"{number:02}", b"x" * (20 << 20)) for number in range(5)]
    with closing(fetcher.each(cases, all_wanted)) as opened:
        next(opened)
        fetcher.executor.submit(int).result(WAIT_SECONDS)  # earlier downloads have finished

        assert store.asked == ["00.in", "00.ans"]
    assert cache.held(cases[1].input) is None


def test_contents_never_pass_through_memory(fetcher: CaseFetcher, tmp_path: Path) -> None:
    """A case of 200 MB is a file from beginning to end."""
    large = StoredFile("large", 200 << 20, "no-md5")
    case = CaseFiles("large", large, large)
    sent = tmp_path / "sent"
    with sent.open("wb") as file:
        file.truncate(large.size_bytes)

    class SparseStore(MemoryObjectStore):
        def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
            assert (key, etag) == ("large", "no-md5")
            assert large.size_bytes <= max_bytes
            sent.rename(target)

    lent = ObjectCache(FileCache(tmp_path / "other", 1 << 30), SparseStore(), BUCKET)
    tracemalloc.start()
    sizes = [
        opened.input.stat().st_size
        for opened in replace(fetcher, cache=lent).each([case], all_wanted)
    ]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert sizes == [200 << 20]
    assert peak < 4 << 20


def test_ten_thousand_cases_hold_no_descriptors(fetcher: CaseFetcher, store: WatchedStore) -> None:
    """Those of a few cases are open at any time, and none afterwards."""
    case = store.case("same")
    before = descriptors()
    most = max(descriptors() for _ in fetcher.each((case for _ in range(10_000)), all_wanted))

    assert most - before <= 2 * 5 + 1
    assert descriptors() == before


def test_a_case_that_is_not_wanted_is_not_fetched(
    fetcher: CaseFetcher, store: WatchedStore
) -> None:
    """After the first failure the rest of 10,000 cases stays where it is."""
    cases = [store.case(f"{number:02}") for number in range(20)]
    run: set[str] = set()
    for opened in fetcher.each(cases, lambda _: not run):
        run.add(opened.case.name)

    assert run == {"00"}
    assert set(store.asked) <= {
        f"{number:02}{end}" for number in range(5) for end in (".in", ".ans")
    }


def test_a_case_may_become_wanted_by_the_results_before_it(
    fetcher: CaseFetcher, store: WatchedStore
) -> None:
    """A group that needs another one to be accepted is asked about again when its turn comes."""
    cases = [store.case("first"), store.case("second")]
    done: set[str] = set()
    for opened in fetcher.each(cases, lambda case: case.name == "first" or "first" in done):
        done.add(opened.case.name)

    assert done == {"first", "second"}


def test_whoever_leaves_early_leaves_nothing_open(
    fetcher: CaseFetcher, store: WatchedStore
) -> None:
    """Also what is still on its way is let go when it comes."""
    cases = [store.case(f"{number:02}") for number in range(5)]
    before = descriptors()
    opened = fetcher.each(cases, all_wanted)
    next(opened)
    store.may_send.clear()
    opened.close()
    store.may_send.set()
    fetcher.executor.submit(int).result(WAIT_SECONDS)

    assert descriptors() == before


def test_a_case_that_is_gone_is_the_problems_fault(
    fetcher: CaseFetcher, store: WatchedStore
) -> None:
    """It was listed, so somebody removed it since; its name is shown harmlessly."""
    case = store.case("bell\a")
    store.delete([case.answer_key])

    with pytest.raises(RequestError, match=r"bell\W\.ans cannot be read") as caught:
        list(fetcher.each([case], all_wanted))
    assert caught.value.code == "TEST_CASES_NOT_FOUND"


def test_a_case_that_is_too_large_is_the_problems_fault(
    fetcher: CaseFetcher, store: WatchedStore, tmp_path: Path
) -> None:
    """The bound is far above what any program reads in time."""

    class LargeStore(MemoryObjectStore):
        def get(self, key: str, *, max_bytes: int) -> bytes:
            assert max_bytes == FILE_MAX_BYTES
            return super().get(key, max_bytes=2)

    large = LargeStore()
    large.objects = store.objects
    lent = ObjectCache(FileCache(tmp_path / "other", 1 << 20), large, BUCKET)
    with pytest.raises(RequestError, match="bytes, at most") as caught:
        list(replace(fetcher, cache=lent).each([store.case("1")], all_wanted))
    assert caught.value.code == "TEST_CASES_NOT_FOUND"


def test_a_store_that_fails_is_worth_another_attempt(
    fetcher: CaseFetcher, store: WatchedStore
) -> None:
    """An error of a download thread reaches the consumer unchanged."""
    case = store.case("1")
    store.put(case.input_key, b"changed", content_type="text/plain")

    with pytest.raises(TemporaryError, match="changed"):
        list(fetcher.each([case], all_wanted))


def test_cases_that_may_be_needed_soon_are_here_then(
    fetcher: CaseFetcher, store: WatchedStore
) -> None:
    """The next request finds them, as far as a bounded number of bytes goes."""
    small = [store.case(f"{number:02}") for number in range(3)]
    large = store.case("large", b"x" * (40 << 20))
    fetcher.fetch_ahead([*small, large, store.case("after")])
    asked = list(store.asked)

    assert len(asked) == 6
    assert len(list(fetcher.each(small, all_wanted))) == 3
    assert store.asked == asked
