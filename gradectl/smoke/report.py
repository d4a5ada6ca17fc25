"""What a smoke test found: the time of each hop, the proof, and what was left behind."""

from __future__ import annotations

from dataclasses import dataclass

#: The hops of a probe, in order, and where to look when one fails.
UPLOAD, SEND, GRADE, RESULT = "upload", "send", "queue and grade", "result"
HOPS = (UPLOAD, SEND, GRADE, RESULT)


@dataclass(frozen=True)
class Hop:
    """One step of a probe that was done."""

    name: str
    ms: float


@dataclass(frozen=True)
class Probe:
    """
    One marked job through one queue.

    Attributes:
        queue: Where it was sent.
        request_id: Its mark; also the correlation id of its result.
        hops: What was done, in order.
        proof: How it is known that it was graded; empty when it is not.
        failed_hop: Where it ended; empty when it did not.
        reason: Why it ended there.
    """

    queue: str
    request_id: str
    hops: tuple[Hop, ...]
    proof: str = ""
    failed_hop: str = ""
    reason: str = ""

    @property
    def passed(self) -> bool:
        """Whether the queue leads to a right result."""
        return bool(self.proof) and not self.failed_hop

    @property
    def total_ms(self) -> float:
        """From the first byte to the result."""
        return sum(hop.ms for hop in self.hops)


@dataclass(frozen=True)
class DeadLetters:
    """Size of the dead-letter queue before and after, and the reasons why ours are in it."""

    before: int
    after: int
    ours: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Say what changed."""
        if self.before == self.after and not self.ours:
            return f"unchanged, {self.after}"
        whose = f"of this test: {'; '.join(self.ours)}" if self.ours else "none of this test"
        return f"from {self.before} to {self.after}, {whose}"


@dataclass(frozen=True)
class SmokeReport:
    """The whole test; `left_behind` says what could not be cleaned up, and why."""

    smoke_id: str
    probes: tuple[Probe, ...]
    dead_letters: DeadLetters
    left_behind: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether the environment grades."""
        return not self.failure

    @property
    def failure(self) -> str:
        """Say what failed, a sentence for each; empty when nothing did."""
        lines = [
            f"{probe.queue}: hop {probe.failed_hop!r} failed: {probe.reason}"
            for probe in self.probes
            if not probe.passed
        ]
        if self.dead_letters.ours:
            lines.append(f"dead letters: {self.dead_letters}")
        return "\n".join(lines or ([] if self.probes else ["nothing was tried"]))

    @property
    def failed_hop(self) -> str:
        """The first hop that failed; empty when none did."""
        return next((probe.failed_hop for probe in self.probes if probe.failed_hop), "")


def next_step(failed_hop: str, environment: str, look_at: str) -> str:
    """
    Say where to look for the reason of a failure.

    Args:
        failed_hop: One of `HOPS`.
        environment: For the commands in the answer.
        look_at: Command that shows whether the environment's parts run.
    """
    if failed_hop == UPLOAD:
        return "check that these credentials may write to the bucket"
    if failed_hop == RESULT:
        return f"gradectl queue inspect grading-results -e {environment}"
    return f"gradectl queue list -e {environment}; {look_at}; the log of the workers"
