"""What the slots of a worker share so as not to fetch or compile a thing again."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.cache.files import FileCache
from grader.cache.objects import ObjectCache
from grader.cache.programs import ProgramCache
from grader.fetch import CaseFetcher
from grader.ports import ObjectStore

#: Threads that fetch; a store answers each in tens of milliseconds, whatever its size.
_HELPERS = 4


@dataclass(frozen=True)
class Caches:
    """
    Everything that is kept.

    Args:
        objects: Of the bucket.
        programs: That were compiled.
        cases: Opens those of a submission.
    """

    objects: ObjectCache
    programs: ProgramCache
    cases: CaseFetcher


@contextmanager
def open_caches(
    store: ObjectStore, bucket: str, *, max_bytes: int, directory: Path | None = None
) -> Iterator[Caches]:
    """
    Open the caches for as long as the context lasts.

    Args:
        store: The grading bucket.
        bucket: Its name.
        max_bytes: Disk that they may take.
        directory: Where they are kept for the next worker; None: nowhere, they are gone then.

    Raises:
        SettingsError: The directory is not the worker's alone.
    """
    with (
        TemporaryDirectory(prefix="grader-cache-") as name,
        ThreadPoolExecutor(_HELPERS, thread_name_prefix="fetch") as helpers,
    ):
        files = FileCache(directory or Path(name, "files"), max_bytes)
        objects = ObjectCache(files, store, bucket)
        yield Caches(objects, ProgramCache(files), CaseFetcher(objects, helpers))


@dataclass
class Shared:
    """
    Caches that are opened by the first slot and closed by the last.

    Args:
        open: Opens them.
    """

    open: Callable[[], AbstractContextManager[Caches]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stack: ExitStack = field(default_factory=ExitStack)
    _caches: Caches | None = None
    _users: int = 0

    @contextmanager
    def use(self) -> Iterator[Caches]:
        """Lend them to one slot."""
        with self._lock:
            if self._caches is None:
                self._caches = self._stack.enter_context(self.open())
            self._users += 1
            caches = self._caches
        try:
            yield caches
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._caches = None
                    self._stack.close()
