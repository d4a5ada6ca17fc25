"""Tests an environment end to end with one job through each request queue."""

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
from gradectl.smoke.report import DeadLetters, ProbeResult, SmokeReport
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    PRIORITY_QUEUE,
    REQUESTS_QUEUE,
)
from grader.ports.jobs import JobStore
from grader.ports.stores import ObjectStore

#: The test case of the problem that the jobs solve.
_CASES = {"1.in": b"20 22\n", "1.ans": b"42\n"}


@dataclass(frozen=True)
class SmokeEnvironment:
    """
    The parts of an environment that a smoke test uses.

    Attributes:
        bucket: Name of the grading bucket.
        store: The bucket.
        broker: The queues.
        jobs: The table of jobs; None if the database cannot be reached.
    """

    bucket: str
    store: ObjectStore
    broker: Broker
    jobs: JobStore | None


class SmokeTest:
    """
    One smoke test.

    Args:
        environment: The environment under test.
        seconds: Time for all jobs together.
        clock: Clock for latencies, in seconds.
    """

    def __init__(
        self,
        environment: SmokeEnvironment,
        *,
        seconds: float,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.smoke_id = f"smoke-{secrets.token_hex(6)}"
        self.jobs: list[SmokeJob] = []
        self._environment = environment
        self._seconds = seconds
        self._clock = clock

    def run(
        self, say: Callable[[str], None], before_clean_up: Callable[[], None] = lambda: None
    ) -> SmokeReport:
        """
        Test each request queue, and clean up, even after an interruption.

        Args:
            say: Called with progress messages.
            before_clean_up: Called before the clean-up.
        """
        environment = self._environment
        size_before = self._dead_letters()
        clean_up = CleanUp(environment.store, environment.broker, environment.jobs)
        probes: list[ProbeResult] = []
        deadline = self._clock() + self._seconds
        try:
            self._put_problem()
            for queue in self._queues():
                say(f"testing {queue}")
                probes.append(self._probe(queue, deadline - self._clock()))
                if self.jobs[-1].out_of_time:
                    break  # the next queue would have no time left
            dead_letters = self._dead_letters_since(size_before)
        finally:
            before_clean_up()
            say("cleaning up")
            clean_up.run(self.smoke_id, self.jobs)
            for each in clean_up.left_behind:
                say(f"left behind: {each}")
        return SmokeReport(self.smoke_id, tuple(probes), dead_letters, tuple(clean_up.left_behind))

    def _queues(self) -> list[str]:
        """Return the queues to test; the priority queue is optional."""
        found = self._environment.broker.inspector.statistics([PRIORITY_QUEUE])
        return [REQUESTS_QUEUE, *found]

    def _put_problem(self) -> None:
        """Upload the problem of the jobs."""
        for name, body in _CASES.items():
            key = cases_prefix(self.smoke_id) + name
            self._environment.store.put(key, body, content_type="text/plain")

    def _probe(self, queue: str, seconds: float) -> ProbeResult:
        """Send one job; it is recorded for the clean-up before any part of it exists."""
        job = SmokeJob(queue, f"{self.smoke_id}-{queue}", self.smoke_id)
        self.jobs.append(job)
        environment = self._environment
        prober = Prober(
            environment.bucket, environment.store, environment.broker, environment.jobs, self._clock
        )
        return prober.run(job, seconds)

    def _dead_letters(self) -> int:
        """Return the size of the dead-letter queue."""
        found = self._environment.broker.inspector.statistics([DEAD_LETTER_QUEUE])
        return found[DEAD_LETTER_QUEUE].size if found else 0

    def _dead_letters_since(self, before: int) -> DeadLetters:
        """Look for the jobs among the dead letters if their number has changed."""
        after = self._dead_letters()
        if after == before:
            return DeadLetters(before, after)
        ids = {job.request_id for job in self.jobs}
        found = inspect(self._environment.broker.inspector, DEAD_LETTER_QUEUE)
        messages = found.messages if found else ()
        views = [MessageView.of(message, 0) for message in messages]
        ours = tuple(view.about for view in views if view.request_id in ids)
        return DeadLetters(before, after, ours)
