"""What people see of it."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from arena.arena import Trial

_MOST_CHARACTERS = 400


def say(text: str) -> None:
    """Write a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def quietly(trial: Trial) -> None:
    """Tell nothing of a trial."""


class Progress:
    """
    Counts trials on one line, and shows each deviation as it comes.

    Args:
        title: What is counted.
        total: How many there will be.
    """

    def __init__(self, title: str, total: int) -> None:
        """Nothing is counted yet."""
        self._title = title
        self._total = total
        self._done = 0
        self._step = max(1, total // 20)

    def __call__(self, trial: Trial) -> None:
        """Count one."""
        self._done += 1
        if self._done % self._step == 0 or self._done == self._total:
            say(f"{self._title}: {self._done} of {self._total}")
        for deviation in trial.deviations:
            say(f"  {trial.attack}: {deviation[:_MOST_CHARACTERS]}")


def show(trials: Sequence[Trial]) -> None:
    """Write the table: attack, verdict, leftovers, milliseconds."""
    width = max(len(trial.attack) for trial in trials)
    say(f"\n{'attack':{width}}  start  verdict          leftovers      ms")
    for trial in trials:
        start = "warm" if trial.warm else "cold"
        left = "none" if not trial.deviations else f"{len(trial.deviations)} DEVIATIONS"
        say(
            f"{trial.attack:{width}}  {start:5}  {trial.verdict:15}  {left:10}"
            f"  {trial.milliseconds:6}"
        )
