"""How much of a fault, and on how many requests."""

from __future__ import annotations

from dataclasses import dataclass

_LATE_SHARE = 0.1


@dataclass(frozen=True)
class Dose:
    """
    How much of a fault, and on how many requests.

    Args:
        requests: Number of requests.
        late_share: Part of them that is submitted while the fault lasts.
        rounds: Repetitions of instantaneous faults, such as a kill.
        seconds: How long those in `LASTING` go on after the workers have met them.
        program_seconds: How long each submitted program sleeps.
        throttled_calls: Calls that SQS refuses because there are too many.
    """

    requests: int
    late_share: float = _LATE_SHARE
    rounds: int = 3
    seconds: float = 10.0
    program_seconds: float = 0.0
    throttled_calls: int = 500

    @property
    def program(self) -> str:
        """The submitted program."""
        return f"from time import sleep\nsleep({self.program_seconds})\nprint(2 * int(input()))\n"
