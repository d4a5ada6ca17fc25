"""Stores a result before its message is settled."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from grader.contract.bucket import result_key
from grader.contract.messages import JobResult
from grader.errors import AccessError, TemporaryError
from grader.ports.jobs import JobStore
from grader.ports.stores import ObjectStore
from grader.worker.retry import Retrier, retry_database
from grader.worker.settlement import Settlement

_T = TypeVar("_T")


@dataclass(frozen=True)
class ResultRecorder:
    """
    Stores results in the table of jobs, and failures in the bucket too.

    A handler has uploaded the files of a result of its own.

    Args:
        jobs: The table of jobs.
        objects: The grading bucket.
        retrier: Repeats calls to both.
        refresh: Called when the database refuses the login: the password may have been changed.
        on_webhook: Called when a webhook was put into the outbox; returns at once.
    """

    jobs: JobStore
    objects: ObjectStore
    retrier: Retrier
    refresh: Callable[[], None]
    on_webhook: Callable[[], None] = lambda: None

    def record(
        self, settlement: Settlement, before_wait: Callable[[], None] = lambda: None
    ) -> bool:
        """
        Store the result of a settlement, if it has one.

        Args:
            settlement: The settlement.
            before_wait: Called before each wait for the database.

        Returns:
            False if a later attempt has taken over the claim; its row is not changed.

        Raises:
            StoppingError: The worker stops while database or bucket are unreachable.
        """
        result = settlement.record
        if result is None:
            return True
        attempt = settlement.attempt
        if settlement.failed:
            if self._is_taken_over(result.request_id, attempt):
                return False  # the file may be that of the later attempt already
            self._upload(result)
        callback = settlement.callback
        stored = self._retry(
            lambda: self.jobs.finish(result, attempt=attempt, callback=callback), before_wait
        )
        if stored and callback is not None:
            self.on_webhook()
        return stored

    def note_failure(self, request_id: str, attempt: int) -> None:
        """
        Note that an attempt has failed and another one follows.

        Without it, an attempt that failed would count as one that ended its worker, where the
        message itself is delivered again.

        Raises:
            StoppingError: The worker stops while the database is unreachable.
        """
        self._retry(lambda: self.jobs.note_failure(request_id, attempt))

    def restore(self, stored: JobResult) -> None:
        """
        Upload a stored result again, whose `result.json` a discarded attempt may have replaced.

        Such an attempt does it itself if the later one has its result by then. Otherwise the later
        one does, once its result is stored.

        Raises:
            StoppingError: The worker stops while the bucket is unreachable.
        """
        if (stored.result_file or "").endswith(f"/{result_key(stored.request_id)}"):
            self._upload(stored)

    def _is_taken_over(self, request_id: str, attempt: int) -> bool:
        row = self._retry(lambda: self.jobs.get(request_id))
        return row is not None and row.attempts != attempt

    def _retry(
        self, action: Callable[[], _T], before_wait: Callable[[], None] = lambda: None
    ) -> _T:
        return retry_database(self.retrier, action, self.refresh, before_wait)

    def _upload(self, result: JobResult) -> None:
        key = result_key(result.request_id)
        self.retrier.call(
            "bucket",
            lambda: self.objects.put(key, result.to_json(), content_type="application/json"),
            (TemporaryError, AccessError),
        )
