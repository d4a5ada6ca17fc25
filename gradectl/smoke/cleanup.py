"""Taking away what a smoke test made: messages, objects and rows, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from gradectl.errors import GradectlError
from gradectl.queues.broker import Broker
from gradectl.queues.inspection import inspect
from gradectl.smoke.probe import SmokeJob
from gradectl.submissions.submit import stored_result
from grader.contract.names import DEAD_LETTER_QUEUE, RESULTS_QUEUE
from grader.errors import GraderError
from grader.ports.jobs import JobStore
from grader.ports.stores import ObjectStore

_TAKE_SECONDS = 0.1
#: A worker that has the message may need some looks until it is done with it.
_LOOKS = 20
#: A broker pages in this many more messages for a selective consumer at each look.
_PAGED_IN_BY_A_LOOK = 200


class CleanUp:
    """
    One clean-up; what it could not do is in `left_behind`.

    Args:
        store: The bucket.
        broker: The queues.
        rows: The table of jobs; None where it cannot be reached.
    """

    def __init__(self, store: ObjectStore, broker: Broker, rows: JobStore | None) -> None:
        """Nothing is removed yet."""
        self._store = store
        self._broker = broker
        self._rows = rows
        self.left_behind: list[str] = []

    def run(self, smoke_id: str, jobs: Sequence[SmokeJob]) -> None:
        """
        Remove every trace of a smoke test, as far as that is possible.

        Messages go first, for the objects must stay while a worker holds a request.
        """
        held = [job for job in jobs if job.sent and not self._take_messages(job)]
        for job in held:
            self.left_behind.append(f"{job.request_id}: a worker holds it, its objects stay")
        done = [job.request_id for job in jobs if job not in held]
        folders = [f"{kind}/{each}/" for each in done for kind in ("submissions", "results")]
        if not held:
            folders.append(f"problems/{smoke_id}/")
        with self._noting("objects"):
            for folder in folders:
                self._store.delete([found.key for found in self._store.list(folder)])
        if self._rows is not None:
            with self._noting("rows"):
                for each in done:
                    self._rows.delete(each)
        elif any(job.sent for job in jobs):
            self.left_behind.append("rows: the database cannot be reached from here")

    def _take_messages(self, job: SmokeJob) -> bool:
        """Take our messages out of all queues; tells whether no worker holds the request."""
        with self._noting("messages"):
            withdrawn = not job.finished and self._take_away(job.queue, job.request_id) > 0
            finished = job.finished or self._has_result(job.request_id)
            if finished and not job.received:
                self._take_away(RESULTS_QUEUE, job.request_id)
            if finished and not job.accepted:
                self._take_away(DEAD_LETTER_QUEUE, job.request_id)
            return withdrawn or finished
        return False

    def _has_result(self, request_id: str) -> bool:
        return stored_result(self._store, request_id) is not None

    def _take_away(self, queue: str, request_id: str) -> int:
        """Consume our messages of a queue, and tell how many there were."""
        taken = 0
        with self._broker.watch(queue, request_id) as watch:
            for look in count():
                while watch.take(_TAKE_SECONDS) is not None:
                    taken += 1
                found = inspect(self._broker.inspector, queue)
                messages = found.scan.messages if found else ()
                there = any(each.headers.get("correlation-id") == request_id for each in messages)
                if not there or look >= _LOOKS + len(messages) // _PAGED_IN_BY_A_LOOK:
                    return taken
        return taken

    @contextmanager
    def _noting(self, what: str) -> Iterator[None]:
        """Go on after an error, but do not hide it."""
        try:
            yield
        except (GraderError, GradectlError) as error:
            self.left_behind.append(f"{what}: {error}")
