"""
The files of test cases, those of the next ones while one is being run.

No content passes through memory: what is here is opened, what is not is fetched to disk by helper
threads, a few cases and a bounded number of bytes ahead.
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

#: The largest input or answer.
FILE_MAX_BYTES = 256 << 20
#: Cases that are opened or fetched before their turn; each holds two descriptors.
_CASES_AHEAD = 4
#: Their bytes together; a case above it is fetched when nothing else waits.
_BYTES_AHEAD = 64 << 20


@dataclass(frozen=True)
class OpenCase:
    """
    A case whose files can be read, by this process and until the next is asked for.

    Args:
        case: What it is.
        input: What the submission reads.
        answer: What its output is held against.
    """

    case: CaseFiles
    input: Path
    answer: Path


@dataclass(frozen=True)
class CaseFetcher:
    """
    Opens cases in their order.

    Args:
        cache: Where they are, or are put.
        helpers: Fetches what is not here.
    """

    cache: ObjectCache
    helpers: Executor

    def each(
        self, cases: Iterable[CaseFiles], wants: Callable[[CaseFiles], bool]
    ) -> Generator[OpenCase]:
        """
        Yield those cases that are wanted when their turn comes.

        Args:
            cases: In the order they are run.
            wants: Asked again and again, for an answer may change with each result.

        Raises:
            RequestError: A file is gone or too large.
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
                        turn.start(self.cache, self.helpers)
                        yield turn.wait()
        finally:
            for fetch in waiting:
                fetch.close()

    def fetch_ahead(self, cases: Iterable[CaseFiles]) -> None:
        """Fetch the first cases, which may be needed soon; raises as `each` does."""
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
                fetch.start(self.cache, self.helpers)


class _Fetch:
    """The two files of one case: not asked for, on their way, or open."""

    def __init__(self, case: CaseFiles) -> None:
        self.case = case
        self.size_bytes = case.input.size_bytes + case.answer.size_bytes
        self._files: list[HeldFile | Future[HeldFile]] = []

    def start(self, cache: ObjectCache, helpers: Executor) -> None:
        """Open what is here and ask for the rest, once."""
        if not self._files:
            for file in (self.case.input, self.case.answer):
                held = cache.held(file)
                self._files.append(held or helpers.submit(_fetch, cache, file))

    def wait(self) -> OpenCase:
        """Have both open; raises what went wrong on the way."""
        for index, file in enumerate(self._files):
            if isinstance(file, Future):
                self._files[index] = file.result()
        found, answer = (file.path for file in self._files if isinstance(file, HeldFile))
        return OpenCase(self.case, found, answer)

    def close(self) -> None:
        """Let go of what is open, and of what is still on its way as soon as it comes."""
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
