"""What the slots of a worker share so as not to fetch or compile a thing again."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from grader.cache.directory import own_directory
from grader.cache.files import FileCache
from grader.cache.objects import ObjectCache
from grader.cache.programs import ProgramCache
from grader.judge.case_fetcher import CaseFetcher
from grader.ports.stores import ObjectStore

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
        nullcontext(directory) if directory else own_directory() as place,
        ThreadPoolExecutor(_HELPERS, thread_name_prefix="fetch") as helpers,
    ):
        files = FileCache(place, max_bytes)
        objects = ObjectCache(files, store, bucket)
        yield Caches(objects, ProgramCache(files), CaseFetcher(objects, helpers))
