"""Shows progress in the rows of the jobs, where there is no Redis."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from grader.errors import AccessError
from grader.logs import Logger
from grader.ports.jobs import JobStore
from grader.ports.results import ProgressNote
from grader.worker.latest_progress import LatestProgress, MakeProgress
from grader.worker.outage import Outage

_CLOSE_SECONDS = 1.0


class ColumnProgress:
    """
    Notes the progress of running jobs in their rows; `grader.ports.results.ProgressSink`.

    One statement per interval for all jobs of the worker; jobs shorter than that cost none.

    Args:
        jobs: The table of jobs.
        attempts: Returns the running attempts by request id.
        interval_seconds: Time between two statements.
        log: Log of the worker.
        refresh: Called when the login is refused: the password may have been changed.
    """

    def __init__(
        self,
        jobs: JobStore,
        attempts: Callable[[], Mapping[str, int]],
        interval_seconds: float,
        log: Logger,
        refresh: Callable[[], None] = lambda: None,
    ) -> None:
        self._jobs = jobs
        self._attempts = attempts
        self._latest = LatestProgress(interval_seconds)
        self._refresh = refresh
        self._outage = Outage(log, "Progress", "the database")
        self._wanted = threading.Event()
        self._closing = threading.Event()

    def report(self, request_id: str, progress: MakeProgress) -> None:
        """Put the progress of a job down."""
        if self._latest.report(request_id, progress):
            self._wanted.set()

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Write while the block runs."""
        thread = threading.Thread(target=self._run, name="progress", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._closing.set()
            self._wanted.set()
            thread.join(_CLOSE_SECONDS)

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            if self._closing.wait(self._latest.seconds_left() or 0.0):
                return
            self._wanted.clear()
            self._write()

    def _write(self) -> None:
        try:
            progress, attempts = self._latest.take(), self._attempts()
            notes = [
                ProgressNote(request_id, attempts[request_id], make().to_json().decode())
                for request_id, make in progress.items()
                if request_id in attempts
            ]
            if notes:
                self._jobs.note_progress(notes)
                self._outage.over()
        except Exception as error:  # noqa: BLE001 - whatever it is, jobs go on
            self._outage.failed(str(error), error)
            if isinstance(error, AccessError):
                self._refresh()
