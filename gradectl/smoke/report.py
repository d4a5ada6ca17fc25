"""The report of a smoke test; pure."""

from __future__ import annotations

from dataclasses import dataclass

#: The hops of a probe, in order.
UPLOAD, SEND, GRADE, RESULT = "upload", "send", "queue and grade", "result"
HOPS = (UPLOAD, SEND, GRADE, RESULT)


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
        """Time from the upload to the result."""
        return sum(hop.ms for hop in self.hops)


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

    @property
    def passed(self) -> bool:
        """True if every job was graded and none was dead-lettered."""
        return not self.failure

    @property
    def failure(self) -> str:
        """One line per failure; empty if there is none."""
        lines = [
            f"{probe.queue}: hop {probe.failed_hop!r} failed: {probe.reason}"
            for probe in self.probes
            if not probe.passed
        ]
        if self.dead_letters.ours:
            lines.append(f"dead letters: {self.dead_letters}")
        return "\n".join(lines or ([] if self.probes else ["no queue was tested"]))

    @property
    def failed_hop(self) -> str:
        """The first hop that failed; empty if none did."""
        return next((probe.failed_hop for probe in self.probes if probe.failed_hop), "")


def next_step(failed_hop: str, environment: str, status_command: str) -> str:
    """
    Return what to check after a failure.

    Args:
        failed_hop: One of `HOPS`.
        environment: Name of the environment, for commands.
        status_command: The command that shows the state of the environment.
    """
    if failed_hop == UPLOAD:
        return "check that these credentials can write to the bucket"
    if failed_hop == RESULT:
        return f"gradectl queue inspect grading-results -e {environment}"
    return f"gradectl queue list -e {environment}; {status_command}; the logs of the workers"
