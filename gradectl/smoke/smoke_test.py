"""Tests an environment end to end with jobs through each request queue."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from gradectl.errors import DeadlineError, GradectlError, UnreachableError
from gradectl.queues.inspection import inspect
from gradectl.queues.message_view import MessageView
from gradectl.smoke.api_check import ApiCheck
from gradectl.smoke.cleanup import CleanUp
from gradectl.smoke.environment import SmokeEnvironment, SmokeJob
from gradectl.smoke.poison_check import PoisonCheck
from gradectl.smoke.priority_check import PriorityCheck
from gradectl.smoke.probe import Prober
from gradectl.smoke.report import FAILED, CheckResult, DeadLetters, ProbeResult, SmokeReport
from gradectl.smoke.sampling import sampled
from grader.contract.bucket import test_cases_prefix as cases_prefix
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    PRIORITY_QUEUE,
    REQUESTS_QUEUE,
)
from grader.errors import AccessError, GraderError
from grader.ports.messages import QueuedMessage

#: The test case of the problem that the jobs solve.
_CASES = {"1.in": b"20 22\n", "1.ans": b"42\n"}
#: The longest that one job may take.
_SECONDS_PER_JOB = 60.0
#: Finished jobs whose objects and rows are removed together, during a long test.
_BATCH = 20
_CHECKS = {check.name: check for check in (ApiCheck, PoisonCheck, PriorityCheck)}


@dataclass(frozen=True)
class SmokePlan:
    """
    What a smoke test does.

    Attributes:
        seconds: Time for all jobs together.
        count: Jobs in each request queue, one after the other, so that others wait for one at most.
        checks: Further checks, of `CHECKS`.
    """

    seconds: float
    count: int = 1
    checks: tuple[str, ...] = ()


class SmokeTest:
    """
    One smoke test.

    Args:
        environment: The environment under test.
        plan: What to do.
        clock: Clock for latencies, in seconds.
    """

    def __init__(
        self,
        environment: SmokeEnvironment,
        plan: SmokePlan,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.smoke_id = f"smoke-{secrets.token_hex(6)}"
        self.jobs: list[SmokeJob] = []
        self._pending: list[SmokeJob] = []  # jobs whose traces are not removed yet
        self._environment = environment
        self._plan = plan
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
        size_before = self._dead_letters()
        clean_up = CleanUp(self._environment)
        deadline = self._clock() + self._plan.seconds
        try:
            self._put_problem()
            probes = list(self._probes(deadline, clean_up, say))
            checks = tuple(self._checks(deadline, say)) if self._in_time() else ()
            dead_letters = self._dead_letters_since(size_before)
        finally:
            before_clean_up()
            say("cleaning up")
            clean_up.run(self.smoke_id, self._pending)
            for each in clean_up.left_behind:
                say(f"left behind: {each}")
        left_behind = tuple(clean_up.left_behind)
        return SmokeReport(self.smoke_id, tuple(probes), dead_letters, left_behind, checks)

    def _probes(
        self, deadline: float, clean_up: CleanUp, say: Callable[[str], None]
    ) -> Iterator[ProbeResult]:
        """Send the jobs of each queue, one after the other."""
        for queue in self._queues():
            say(f"testing {queue}")
            for number in range(1, self._plan.count + 1):
                yield self._probe(queue, number, deadline - self._clock())
                if not self._in_time():
                    return  # the next job would have no time left
                if len(self._pending) >= _BATCH:
                    self._remove_finished(clean_up)

    def _checks(self, deadline: float, say: Callable[[str], None]) -> Iterator[CheckResult]:
        """Run the further checks, until the time is over."""
        parts = (self._environment, self._job, self._clock, say)
        for name in self._plan.checks:
            say(f"checking {name}")
            left = deadline - self._clock()
            try:
                yield _CHECKS[name](*parts).run(left)
            except (UnreachableError, AccessError):
                raise
            except (GraderError, GradectlError, DeadlineError) as error:
                yield CheckResult(name, FAILED, str(error), 0.0)
                if isinstance(error, DeadlineError):
                    return
            if not self._in_time():
                return

    def _in_time(self) -> bool:
        return not any(job.out_of_time for job in self._pending)

    def _remove_finished(self, clean_up: CleanUp) -> None:
        """Remove the traces of jobs that got their result, so that there are never many."""
        finished = [job for job in self._pending if job.finished]
        clean_up.remove(finished)
        self._pending = [job for job in self._pending if job not in finished]

    def _queues(self) -> list[str]:
        """Return the queues to test; the priority queue is optional."""
        found = self._environment.broker.inspector.statistics([PRIORITY_QUEUE])
        return [REQUESTS_QUEUE, *found]

    def _put_problem(self) -> None:
        """Upload the problem of the jobs."""
        for name, body in _CASES.items():
            key = cases_prefix(self.smoke_id) + name
            self._environment.store.put(key, body, content_type="text/plain")

    def _probe(self, queue: str, number: int, seconds: float) -> ProbeResult:
        """Send one job."""
        name = queue if self._plan.count == 1 else f"{queue}-{number}"
        prober = Prober(self._environment, self._clock)
        return prober.run(self._job(queue, name), min(seconds, _SECONDS_PER_JOB))

    def _job(self, queue: str, name: str) -> SmokeJob:
        """Make a job; it is recorded for the clean-up before any part of it exists."""
        job = SmokeJob(queue, f"{self.smoke_id}-{name}", self.smoke_id)
        self.jobs.append(job)
        self._pending.append(job)
        return job

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
        views = [MessageView.of(message, 0) for message in self._read_dead_letters()]
        ours = tuple(view.about for view in views if view.request_id in ids)
        return DeadLetters(before, after, ours)

    def _read_dead_letters(self) -> Sequence[QueuedMessage]:
        """Read the dead letters; where they cannot be searched, some, if one of ours may exist."""
        broker = self._environment.broker
        if not broker.inspector.can_browse:
            if not any(job.buried for job in self.jobs):
                return ()
            with sampled(broker, DEAD_LETTER_QUEUE) as some:
                return some
        found = inspect(broker.inspector, DEAD_LETTER_QUEUE)
        return found.messages if found else ()
