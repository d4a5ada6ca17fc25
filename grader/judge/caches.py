"""Caches of fetched objects and compiled programs, shared by the consumers of a worker."""

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

#: Threads that download; a store answers a request in tens of milliseconds, whatever its size.
_DOWNLOAD_THREADS = 4


@dataclass(frozen=True)
class Caches:
    """
    The caches of one worker.

    Args:
        objects: Objects of the bucket.
        programs: Compiled programs.
        cases: Opens test cases, and downloads the next ones ahead.
    """

    objects: ObjectCache
    programs: ProgramCache
    cases: CaseFetcher


@contextmanager
def open_caches(
    store: ObjectStore, bucket: str, *, max_bytes: int, directory: Path | None = None
) -> Iterator[Caches]:
    """
    Open the caches.

    Args:
        store: The grading bucket.
        bucket: Name of the bucket.
        max_bytes: Maximum disk usage of all caches together, bytes.
        directory: A directory that outlives the worker; None: a temporary one, removed on exit.

    Raises:
        SettingsError: Other users can enter the directory.
    """
    with (
        nullcontext(directory) if directory else own_directory() as path,
        ThreadPoolExecutor(_DOWNLOAD_THREADS, thread_name_prefix="fetch") as executor,
    ):
        files = FileCache(path, max_bytes)
        objects = ObjectCache(files, store, bucket)
        yield Caches(objects, ProgramCache(files), CaseFetcher(objects, executor))
