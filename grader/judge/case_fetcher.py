"""
Opens the files of test cases, and downloads the next ones while one is running.

No content passes through memory: cached files are opened, others are downloaded to disk by a
thread pool, a few cases and a bounded number of bytes ahead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Executor, Future
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grader.cache.files import HeldFile
from grader.cache.objects import ObjectCache
from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.problems.model import CaseFiles, StoredFile
from grader.text import printable_name

#: Maximum size of an input or answer.
FILE_MAX_BYTES = 256 << 20
#: Cases that are opened or downloaded ahead; each holds two descriptors.
_CASES_AHEAD = 4
#: Maximum size of these cases together; a larger case is downloaded only when it is next.
_BYTES_AHEAD = 64 << 20


@dataclass(frozen=True)
class OpenCase:
    """
    A case with open files, readable by this process until the next case is requested.

    Args:
        case: The case.
        input: Path of the input.
        answer: Path of the answer.
    """

    case: CaseFiles
    input: Path
    answer: Path


@dataclass(frozen=True)
class CaseFetcher:
    """
    Opens cases in order.

    Args:
        cache: Cache of the objects.
        executor: Runs the downloads.
    """

    cache: ObjectCache
    executor: Executor

    def each(
        self, cases: Iterable[CaseFiles], wants: Callable[[CaseFiles], bool]
    ) -> Generator[OpenCase]:
        """
        Yield each case that `wants` accepts when it is next.

        Args:
            cases: All cases, in the order of their runs.
            wants: Whether a case has to run; called several times, because results change it.

        Raises:
            RequestError: A file does not exist any more or is too large.
            TemporaryError: The store failed, or the disk is full.
        """
        coming = iter(cases)
        waiting: deque[_Fetch] = deque()
        try:
            while True:
                waiting.extend(map(_Fetch, islice(coming, _CASES_AHEAD + 1 - len(waiting))))
                if not waiting:
                    return
                self._start(waiting, wants)
                with closing(waiting.popleft()) as turn:
                    if wants(turn.case):
                        turn.start(self.cache, self.executor)
                        yield turn.wait()
        finally:
            for fetch in waiting:
                fetch.close()

    def fetch_ahead(self, cases: Iterable[CaseFiles]) -> None:
        """Download the first cases into the cache; raises like `each`."""
        ahead = 0
        for case in cases:
            ahead += case.input.size_bytes + case.answer.size_bytes
            if ahead > _BYTES_AHEAD:
                return
            for file in (case.input, case.answer):
                _fetch(self.cache, file).close()

    def _start(self, waiting: Iterable[_Fetch], wants: Callable[[CaseFiles], bool]) -> None:
        ahead = 0
        for fetch in waiting:
            ahead += fetch.size_bytes
            if ahead > _BYTES_AHEAD:
                return
            if wants(fetch.case):
                fetch.start(self.cache, self.executor)


class _Fetch:
    """The two files of one case: not requested, in download, or open."""

    def __init__(self, case: CaseFiles) -> None:
        self.case = case
        self.size_bytes = case.input.size_bytes + case.answer.size_bytes
        self._files: list[HeldFile | Future[HeldFile]] = []

    def start(self, cache: ObjectCache, executor: Executor) -> None:
        """Open cached files and start the download of the others; a second call does nothing."""
        if not self._files:
            for file in (self.case.input, self.case.answer):
                held = cache.held(file)
                self._files.append(held or executor.submit(_fetch, cache, file))

    def wait(self) -> OpenCase:
        """Wait until both are open; raises the error of a failed download."""
        for index, file in enumerate(self._files):
            if isinstance(file, Future):
                self._files[index] = file.result()
        found, answer = (file.path for file in self._files if isinstance(file, HeldFile))
        return OpenCase(self.case, found, answer)

    def close(self) -> None:
        """Close open files now, and files in download when they arrive."""
        for file in self._files:
            if isinstance(file, HeldFile):
                file.close()
            elif not file.cancel():
                file.add_done_callback(_close_result)
        self._files.clear()


def _fetch(cache: ObjectCache, file: StoredFile) -> HeldFile:
    try:
        return cache.fetch(file, max_bytes=FILE_MAX_BYTES)
    except (ObjectNotFoundError, ObjectTooLargeError) as error:
        raise RequestError(
            ErrorCode.TEST_CASES_NOT_FOUND,
            f"test case {printable_name(file.key)} cannot be read: {error.what}",
        ) from None


def _close_result(fetched: Future[HeldFile]) -> None:
    if fetched.exception() is None:
        fetched.result().close()
