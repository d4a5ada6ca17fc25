"""
What ``make attacks`` runs; the exit code is not 0 when one thing deviates.

Every attack with its verdict and what it left, in the open and under the bounds of a Fargate task,
beside a neighbour, and at last a thousand in mixed order.
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
    in_two_slots,
    launcher_of_workers,
    soaked,
    under_the_mask,
)
from arena.table import Progress, say, show


class Findings:
    """Counts what deviates."""

    def __init__(self) -> None:
        """Nothing yet."""
        self.count = 0

    def add(self, *deviations: str) -> None:
        """Show and count."""
        for deviation in deviations:
            say(f"DEVIATION: {deviation}")
        self.count += len(deviations)


def _in_the_open(launcher: Path, attacks: list[Attack], findings: Findings) -> None:
    trials = every_attack(launcher, attacks, Progress("attacks", len(both_ways(attacks))))
    beside = in_two_slots(launcher, attacks)
    show([*trials, *beside])
    findings.add(*deviations([*trials, *beside]))


def _in_a_task(launcher: Path, attacks: list[Attack], findings: Findings) -> None:
    report = under_the_mask(launcher, attacks, "in a task")
    say("\nin a task, without:")
    for name, what in report.dropped.items():
        say(f"  {name}: {what}")
    if report.failure:
        findings.add(report.failure)
        return
    findings.add(*(f"in a task, {one}" for one in deviations(report.result)))
    say(f"  {len(report.result)} attacks, {len(attacks)} folders")
    honest = honest_work_asks_for_nothing(launcher)
    findings.add(*filter(None, [honest.failure]), *(honest.result or ()))
    say(f"  honest work, where asking for a namespace or a mount is deadly: {honest.result}")


def _soaked(launcher: Path, attacks: list[Attack], runs: int, findings: Findings) -> None:
    report = soaked(launcher, attacks, runs, "mixed")
    if report.failure:
        findings.add(report.failure)
        return
    findings.add(*report.result.deviations)
    say(f"\n{report.result.summary()}")


def main() -> int:
    """Run everything; returns the exit code."""
    parser = argparse.ArgumentParser(prog="make attacks", description=__doc__)
    parser.add_argument("--runs", type=int, default=1000, help="mixed runs at the end")
    parser.add_argument("--only", default="", help="only attacks whose name holds this")
    asked = parser.parse_args()
    attacks, findings = all_attacks(asked.only), Findings()
    with launcher_of_workers() as launcher:
        _in_the_open(launcher, attacks, findings)
        _in_a_task(launcher, attacks, findings)
        if asked.runs:
            _soaked(launcher, attacks, asked.runs, findings)
    say(f"{findings.count} deviations" if findings.count else "everything held")
    return 1 if findings.count else 0


if __name__ == "__main__":
    sys.exit(main())
