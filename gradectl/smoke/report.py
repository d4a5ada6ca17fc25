"""The report of a smoke test; pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

UPLOAD, SEND, RESULT, ROW = "upload", "send", "result", "row"
#: From sending to the stored result; divided in two where the row has the times of the worker.
GRADE, QUEUE_WAIT, GRADING = "queue and grade", "queue wait", "grading"
#: The hops of a probe, in order.
HOPS = (UPLOAD, SEND, GRADE, QUEUE_WAIT, GRADING, RESULT, ROW)
#: From the upload to the last hop.
TOTAL = "total"

#: The further checks.
PRIORITY, POISON, API = "priority", "poison", "api"
CHECKS = (PRIORITY, POISON, API)
PASSED, FAILED, NOT_OBSERVABLE = "passed", "failed", "not observable"

#: Of fewer samples the 95th percentile is the largest one.
_LEAST_FOR_P95 = 20
#: Failures of one test that are listed one by one.
_MOST_FAILURES = 5


@dataclass(frozen=True)
class Hop:
    """A completed step of a probe."""

    name: str
    ms: float


@dataclass(frozen=True)
class ProbeResult:
    """
    The result of one job through one queue.

    Attributes:
        queue: The queue it was sent to.
        request_id: Its request id, which is also the correlation id of its result.
        hops: The completed hops, in order.
        proof: The evidence that it was graded; empty without any.
        failed_hop: The hop that failed; empty if none did.
        reason: Why that hop failed.
    """

    queue: str
    request_id: str
    hops: tuple[Hop, ...]
    proof: str = ""
    failed_hop: str = ""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """True if the job got the expected result."""
        return bool(self.proof) and not self.failed_hop

    @property
    def total_ms(self) -> float:
        """Time from the upload to the last hop."""
        return sum(hop.ms for hop in self.hops)


@dataclass(frozen=True)
class Latency:
    """
    The latency of one hop over the jobs of a queue that passed.

    Attributes:
        queue: The queue.
        hop: One of `HOPS`, or `TOTAL`.
        n: Number of samples.
        p50_ms: The median.
        p95_ms: The 95th percentile; None for fewer than 20 samples.
        max_ms: The largest.
    """

    queue: str
    hop: str
    n: int
    p50_ms: float
    p95_ms: float | None
    max_ms: float


def latencies(probes: Sequence[ProbeResult]) -> list[Latency]:
    """Summarize the hops of the jobs that passed, for each queue."""
    passed = [probe for probe in probes if probe.passed]
    found = []
    for queue in dict.fromkeys(probe.queue for probe in passed):
        mine = [probe for probe in passed if probe.queue == queue]
        for name in HOPS:
            samples = [hop.ms for probe in mine for hop in probe.hops if hop.name == name]
            if samples:
                found.append(_latency(queue, name, samples))
        found.append(_latency(queue, TOTAL, [probe.total_ms for probe in mine]))
    return found


def _latency(queue: str, hop: str, samples: Sequence[float]) -> Latency:
    ordered = sorted(samples)
    p95 = _percentile(ordered, 0.95) if len(ordered) >= _LEAST_FOR_P95 else None
    return Latency(queue, hop, len(ordered), _percentile(ordered, 0.5), p95, ordered[-1])


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return the smallest sample that this share of all does not exceed (nearest rank)."""
    return ordered[math.ceil(share * len(ordered)) - 1]


@dataclass(frozen=True)
class CheckResult:
    """
    The result of a further check.

    Attributes:
        name: One of `CHECKS`.
        outcome: `PASSED`, `FAILED`, or `NOT_OBSERVABLE` where the state of the environment allows
            no statement.
        detail: What was seen.
        ms: Duration.
    """

    name: str
    outcome: str
    detail: str
    ms: float


@dataclass(frozen=True)
class DeadLetters:
    """Size of the dead-letter queue before and after, and the reasons of this test's messages."""

    before: int
    after: int
    ours: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return the change as text."""
        if self.before == self.after and not self.ours:
            return f"unchanged, {self.after}"
        whose = f"from this test: {'; '.join(self.ours)}" if self.ours else "none from this test"
        return f"from {self.before} to {self.after}, {whose}"


@dataclass(frozen=True)
class SmokeReport:
    """The report of a test; `left_behind` lists what could not be removed, and why."""

    smoke_id: str
    probes: tuple[ProbeResult, ...]
    dead_letters: DeadLetters
    left_behind: tuple[str, ...] = ()
    checks: tuple[CheckResult, ...] = ()

    @property
    def passed(self) -> bool:
        """True if every job was graded, none was dead-lettered, and no check failed."""
        return not self.failure

    @property
    def failure(self) -> str:
        """One line per failure; empty if there is none."""
        lines = list(self._failed_jobs())
        lines += [
            f"check {check.name!r} failed: {check.detail}"
            for check in self.checks
            if check.outcome == FAILED
        ]
        if self.dead_letters.ours:
            lines.append(f"dead letters: {self.dead_letters}")
        return "\n".join(lines or ([] if self.probes else ["no queue was tested"]))

    def _failed_jobs(self) -> Iterator[str]:
        failed = [probe for probe in self.probes if not probe.passed]
        for probe in failed[:_MOST_FAILURES]:
            yield f"{probe.queue}: hop {probe.failed_hop!r} failed: {probe.reason}"
        if len(failed) > _MOST_FAILURES:
            yield f"{len(failed) - _MOST_FAILURES} more jobs failed"

    @property
    def failed_hop(self) -> str:
        """The first hop that failed; empty if none did."""
        return next((probe.failed_hop for probe in self.probes if probe.failed_hop), "")


def next_step(failed_hop: str, environment: str, status_command: str, results_command: str) -> str:
    """
    Return what to check after a failure.

    Args:
        failed_hop: One of `HOPS`; empty if a check failed.
        environment: Name of the environment, for commands.
        status_command: The command that shows the state of the environment.
        results_command: The command that shows the messages of `grading-results`.
    """
    if failed_hop == UPLOAD:
        return "check that these credentials can write to the bucket"
    if failed_hop == RESULT:
        return results_command
    if failed_hop == ROW:
        return f"{status_command}: the workers could not save it in the database"
    return f"gradectl queue list -e {environment}; {status_command}; gradectl logs {environment}"
