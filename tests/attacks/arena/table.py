"""Progress and results on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from arena.arena import Trial

_MAX_CHARACTERS = 400


def say(text: str) -> None:
    """Write a line and flush."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def quietly(trial: Trial) -> None:
    """Print nothing for a trial."""


class Progress:
    """
    Prints the number of finished trials, and each deviation.

    Args:
        title: Title of the lines.
        total: Number of trials.
    """

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._done = 0
        self._step = max(1, total // 20)

    def __call__(self, trial: Trial) -> None:
        """Count a trial."""
        self._done += 1
        if self._done % self._step == 0 or self._done == self._total:
            say(f"{self._title}: {self._done} of {self._total}")
        for deviation in trial.deviations:
            say(f"  {trial.attack}: {deviation[:_MAX_CHARACTERS]}")


def show(trials: Sequence[Trial]) -> None:
    """Print a table: attack, start, verdict, deviations, milliseconds."""
    width = max(len(trial.attack) for trial in trials)
    say(f"\n{'attack':{width}}  start  verdict          deviations     ms")
    for trial in trials:
        start = "warm" if trial.warm else "cold"
        left = "none" if not trial.deviations else f"{len(trial.deviations)} FOUND"
        say(
            f"{trial.attack:{width}}  {start:5}  {trial.verdict:15}  {left:10}"
            f"  {trial.milliseconds:6}"
        )
