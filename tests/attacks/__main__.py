"""
Entry point of ``make attacks``; exits with 1 when anything deviates from what is expected.

Runs every attack and shows its verdict and what it left: on this machine as it is, with the rights
of a Fargate task, next to a neighbour, and at last 1,000 runs in random order in two boxes at once.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from arena.arena import deviations
from arena.attack import Attack
from arena.program import (
    all_attacks,
    both_ways,
    every_attack,
    honest_work_asks_for_nothing,
    in_two_boxes,
    launcher_of_workers,
    soaked,
    under_the_mask,
)
from arena.table import Progress, say, show


class Deviations:
    """Counts deviations."""

    def __init__(self) -> None:
        self.count = 0

    def add(self, *deviations: str) -> None:
        """Print and count them."""
        for deviation in deviations:
            say(f"DEVIATION: {deviation}")
        self.count += len(deviations)


def _on_this_machine(launcher: Path, attacks: list[Attack], found: Deviations) -> None:
    fights = both_ways(attacks)
    trials = every_attack(launcher, fights, Progress("attacks", len(fights)))
    trials += in_two_boxes(launcher, attacks)
    show(trials)
    found.add(*deviations(trials))


def _in_a_task(launcher: Path, attacks: list[Attack], found: Deviations) -> None:
    report = under_the_mask(launcher, both_ways(attacks), "in a task")
    say("\nin a task, without:")
    for name, what in report.dropped.items():
        say(f"  {name}: {what}")
    if report.failure:
        found.add(report.failure)
        return
    found.add(*(f"in a task, {one}" for one in deviations(report.result)))
    say(f"  {len(report.result)} attacks, {len(attacks)} folders")
    honest = honest_work_asks_for_nothing(launcher)
    found.add(*filter(None, [honest.failure]), *(honest.result or ()))
    say(f"  honest work where a request for a namespace or a mount kills: {honest.result}")


def _soaked(launcher: Path, attacks: list[Attack], runs: int, found: Deviations) -> None:
    report = soaked(launcher, attacks, runs, "mixed")
    if report.failure:
        found.add(report.failure)
        return
    found.add(*report.result.deviations)
    say(f"\n{report.result.summary()}")


def main() -> int:
    """Run all parts; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make attacks", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="runs in two boxes at the end")
    parser.add_argument("--only", default="", help="only attacks with this in their name")
    asked = parser.parse_args()
    attacks, found = all_attacks(asked.only), Deviations()
    with launcher_of_workers(landlock=True) as launcher:
        _on_this_machine(launcher, attacks, found)
    with launcher_of_workers() as launcher:
        _in_a_task(launcher, attacks, found)
        if asked.runs:
            _soaked(launcher, attacks, asked.runs, found)
    say(f"{found.count} deviations" if found.count else "no deviation")
    return 1 if found.count else 0


if __name__ == "__main__":
    sys.exit(main())
