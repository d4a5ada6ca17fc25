"""Proving that an environment grades, end to end, with jobs that nobody else can mistake."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

from gradectl.queues.broker import Broker
from gradectl.queues.inspection import inspect
from gradectl.queues.message_view import MessageView
from gradectl.smoke.cleanup import CleanUp
from gradectl.smoke.probe import Prober, SmokeJob
from gradectl.smoke.report import DeadLetters, Probe, SmokeReport
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    PRIORITY_QUEUE,
    REQUESTS_QUEUE,
)
from grader.ports.jobs import JobStore
from grader.ports.stores import ObjectStore

#: A problem that each worker can solve in a moment.
_CASES = {"1.in": b"20 22\n", "1.ans": b"42\n"}


@dataclass(frozen=True)
class SmokeWorld:
    """
    What a smoke test works on.

    Attributes:
        bucket: Name of the grading bucket.
        store: The bucket.
        broker: The queues.
        jobs: The table of jobs; None where it cannot be reached from here.
    """

    bucket: str
    store: ObjectStore
    broker: Broker
    jobs: JobStore | None


class Smoke:
    """
    One smoke test.

    Args:
        world: The environment.
        seconds: How long each job may take.
        clock: For latencies, in seconds.
    """

    def __init__(
        self, world: SmokeWorld, *, seconds: float, clock: Callable[[], float] = monotonic
    ) -> None:
        """Choose the mark; nothing is made yet."""
        self.smoke_id = f"smoke-{secrets.token_hex(6)}"
        self.jobs: list[SmokeJob] = []
        self._world = world
        self._seconds = seconds
        self._clock = clock

    def run(self, say: Callable[[str], None]) -> SmokeReport:
        """
        Try each request queue, and clean up, also when it is interrupted.

        Args:
            say: Told what is being done.
        """
        world = self._world
        dead_before = self._dead_letters()
        clean_up = CleanUp(world.store, world.broker, world.jobs)
        probes: list[Probe] = []
        try:
            self._put_problem()
            for queue in self._queues():
                say(f"trying {queue}")
                probes.append(self._probe(queue))
                if self.jobs[-1].out_of_time:
                    break
            dead = self._dead_letters_since(dead_before)
        finally:
            say("cleaning up")
            clean_up.run(self.smoke_id, self.jobs)
            for each in clean_up.left_behind:
                say(f"left behind: {each}")
        return SmokeReport(self.smoke_id, tuple(probes), dead, tuple(clean_up.left_behind))

    def _queues(self) -> list[str]:
        """The queues to try; the priority queue is optional, the other one is not."""
        found = self._world.broker.inspector.statistics([PRIORITY_QUEUE])
        return [REQUESTS_QUEUE, *found]

    def _put_problem(self) -> None:
        """Make the problem that the jobs are about."""
        for name, body in _CASES.items():
            key = cases_prefix(self.smoke_id) + name
            self._world.store.put(key, body, content_type="text/plain")

    def _probe(self, queue: str) -> Probe:
        """Send one job, remembering it for the clean-up before anything of it exists."""
        job = SmokeJob(queue, f"{self.smoke_id}-{queue}", self.smoke_id)
        self.jobs.append(job)
        world = self._world
        prober = Prober(world.bucket, world.store, world.broker, world.jobs, self._clock)
        return prober.run(job, self._seconds)

    def _dead_letters(self) -> int:
        """Size of the dead-letter queue."""
        found = self._world.broker.inspector.statistics([DEAD_LETTER_QUEUE])
        return found[DEAD_LETTER_QUEUE].size if found else 0

    def _dead_letters_since(self, before: int) -> DeadLetters:
        """Look for our jobs among the dead letters, when there are more of them or fewer."""
        after = self._dead_letters()
        if after == before:
            return DeadLetters(before, after)
        ids = {job.request_id for job in self.jobs}
        found = inspect(self._world.broker.inspector, DEAD_LETTER_QUEUE)
        messages = found.scan.messages if found else ()
        views = [MessageView.of(message, 0) for message in messages]
        ours = tuple(view.about for view in views if view.request_id in ids)
        return DeadLetters(before, after, ours)
