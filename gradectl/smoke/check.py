"""What the further checks of a smoke test have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import ClassVar

from gradectl.errors import CheckFailedError
from gradectl.smoke.environment import SmokeEnvironment, SmokeJob
from gradectl.smoke.report import FAILED, CheckResult


class Check(ABC):
    """
    Sends jobs of its own, and observes what the workers do with them.

    Args:
        environment: The environment under test.
        make_job: Makes a job for a queue, with a name.
        clock: Clock for durations, in seconds.
        say: Called with progress messages.
    """

    name: ClassVar[str]

    def __init__(
        self,
        environment: SmokeEnvironment,
        make_job: Callable[[str, str], SmokeJob],
        clock: Callable[[], float],
        say: Callable[[str], None],
    ) -> None:
        self._environment = environment
        self._make_job = make_job
        self._clock = clock
        self._say = say

    def run(self, seconds: float) -> CheckResult:
        """
        Run the check.

        Args:
            seconds: Time for all its jobs.

        Raises:
            GraderError: The broker, the bucket or the database failed.
        """
        start = self._clock()
        try:
            outcome, detail = self._observe(start + seconds)
        except CheckFailedError as error:
            outcome, detail = FAILED, error.what
        return CheckResult(self.name, outcome, detail, (self._clock() - start) * 1000)

    @abstractmethod
    def _observe(self, deadline: float) -> tuple[str, str]:
        """Return the outcome and its detail; raises `CheckFailedError` for a failure."""
