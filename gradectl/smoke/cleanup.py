"""Removes the messages, objects and rows of a smoke test, and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import count

from gradectl.errors import GradectlError
from gradectl.queues.inspection import read_queue
from gradectl.queues.scan import ScanResult, StopReason
from gradectl.smoke.environment import SmokeEnvironment, SmokeJob
from gradectl.smoke.sampling import take_own
from grader.client.results import stored_result
from grader.contract.names import DEAD_LETTER_QUEUE, RESULTS_QUEUE
from grader.errors import GraderError
from grader.ports.messages import QueueStatistics

_TAKE_SECONDS = 0.1
#: Browses until a message that a worker holds should be settled.
_BROWSES = 20
#: Messages that each browse pages in for a selective consumer.
_PAGED_IN_PER_BROWSE = 200
#: Jobs whose message was not found, after which a queue that cannot be searched is left alone.
_MOST_MISSES = 3


class CleanUp:
    """
    The clean-up of one smoke test; `left_behind` lists what could not be removed.

    Args:
        environment: The environment under test.
    """

    def __init__(self, environment: SmokeEnvironment) -> None:
        self._store = environment.store
        self._broker = environment.broker
        self._rows = environment.jobs
        self.left_behind: list[str] = []
        self._misses: Counter[str] = Counter()  # by queue that cannot be searched

    def run(self, smoke_id: str, jobs: Sequence[SmokeJob]) -> None:
        """Remove everything that a smoke test created, as far as possible."""
        if not self.remove(jobs):
            self._remove_objects([f"problems/{smoke_id}/"])

    def remove(self, jobs: Sequence[SmokeJob]) -> list[SmokeJob]:
        """
        Remove what belongs to some jobs, and return those that somebody still holds.

        Messages come first, because a worker that holds a request needs its objects.
        """
        held = []
        for job in jobs:
            reason = self._take_messages(job) if job.sent else ""
            if reason:
                held.append(job)
                self._note(f"{job.request_id}: its objects, because {reason}")
        done = [job.request_id for job in jobs if job not in held]
        self._remove_objects(
            [f"{kind}/{each}/" for each in done for kind in ("submissions", "results")]
        )
        if self._rows is not None:
            with self._recording_errors("rows"):
                for each in done:
                    self._rows.delete(each)
        elif any(job.sent for job in jobs):
            self._note("rows: the database cannot be reached from here")
        return held

    def _remove_objects(self, folders: Sequence[str]) -> None:
        with self._recording_errors("objects"):
            for folder in folders:
                self._store.delete([found.key for found in self._store.list(folder)])

    def _note(self, text: str) -> None:
        """Note what is left, once."""
        if text not in self.left_behind:
            self.left_behind.append(text)

    def _take_messages(self, job: SmokeJob) -> str:
        """Consume the messages of a job from all queues; returns why its request remains."""
        with self._recording_errors("messages"):
            withdrawn = not job.finished and self._consume(job.queue, job) > 0
            finished = job.finished or self._has_result(job.request_id)
            if finished and not job.received and not job.sampled:
                job.sampled = not (self._consume(RESULTS_QUEUE, job) or self._can_browse)
            if finished and job.sampled:
                self._note(f"result messages in {RESULTS_QUEUE}, which cannot be searched")
            if finished and job.buried:
                self._consume(DEAD_LETTER_QUEUE, job)
            if withdrawn or finished or self._was_never_sent(job):
                return ""
            return self._why_held(job.queue)
        return "its messages could not be removed"

    def _was_never_sent(self, job: SmokeJob) -> bool:
        """Whether the request, whose sending failed, is neither in its queue nor with a worker."""
        counters = self._broker.inspector.statistics([job.queue]).get(job.queue)
        if counters is None:
            return True
        if counters.in_flight or self._rows is None or self._rows.get(job.request_id):
            return False
        if not self._can_browse:
            return not counters.size
        return self._find(counters, job.request_id).complete

    def _why_held(self, queue: str) -> str:
        """Say who has a request that is neither graded nor could be withdrawn."""
        counters = self._broker.inspector.statistics([queue]).get(queue)
        if not self._can_browse and counters and counters.waiting:
            return f"its message may be in {queue} ({counters.waiting} waiting), not in a sample"
        if counters and counters.waiting and not counters.in_flight:
            return f"its message is behind the {counters.waiting} messages waiting in {queue}"
        return "a worker is processing it"

    def _has_result(self, request_id: str) -> bool:
        return stored_result(self._store, request_id) is not None

    def _consume(self, queue: str, job: SmokeJob) -> int:
        """Consume the messages of a job in a queue, and return their number."""
        if not self._can_browse:
            if self._misses[queue] >= _MOST_MISSES:
                return 0
            found = take_own(self._broker, queue, job) is not None
            self._misses[queue] += not found
            return int(found)
        taken, request_id = 0, job.request_id
        with self._broker.watch(queue, request_id) as watch:
            for browse in count():
                while watch.take(_TAKE_SECONDS) is not None:
                    taken += 1
                counters = self._broker.inspector.statistics([queue]).get(queue)
                if counters is None or not self._is_in(counters, request_id):
                    return taken
                if browse >= _BROWSES + counters.size // _PAGED_IN_PER_BROWSE:
                    return taken
        return taken

    @property
    def _can_browse(self) -> bool:
        return self._broker.inspector.can_browse

    def _is_in(self, counters: QueueStatistics, request_id: str) -> bool:
        return self._find(counters, request_id).reason is StopReason.FOUND

    def _find(self, counters: QueueStatistics, request_id: str) -> ScanResult:
        """Read a queue until a message of the request is found."""
        return read_queue(
            self._broker.inspector,
            counters,
            lambda message: message.headers.get("correlation-id") == request_id,
        )

    @contextmanager
    def _recording_errors(self, what: str) -> Iterator[None]:
        """Note an error and continue."""
        try:
            yield
        except (GraderError, GradectlError) as error:
            self._note(f"{what}: {error}")
