"""Runs attacks in several boxes at once, in random order, and counts what they changed."""

from __future__ import annotations

import gc
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from arena.arena import Arena, Trial, deviations
from arena.attack import Attack
from arena.neighbours import WITNESSES
from arena.tour import Fight, Tell, tour

#: Allowed growth of the worker: buffers, caches of the allocator, modules.
_MAX_GROWTH_KB = 24 << 10
#: Threads of the caches, which start on demand and stay.
_CACHE_THREADS = "fetch"
_SEED = 20_240_820
_ATTACKS_PER_WITNESS = 3
#: Part of the runs that start from a fork server where the language has one.
_WARM = 0.5


@dataclass(frozen=True)
class Health:
    """Resources of a process that grow if it leaks."""

    descriptors: int
    children: int
    threads: int
    memory_kb: int

    @classmethod
    def now(cls) -> Health:
        """Measure this process."""
        gc.collect()
        text = Path("/proc/self/status").read_text()
        memory = re.search(r"^VmRSS:\s*(\d+)", text, re.MULTILINE)
        return cls(
            descriptors=len(os.listdir("/proc/self/fd")),
            children=len(list(_children())),
            threads=sum(not one.name.startswith(_CACHE_THREADS) for one in threading.enumerate()),
            memory_kb=int(memory[1]) if memory else 0,
        )

    def leaked(self, after: Health) -> list[str]:
        """List the resources that grew by more than is allowed."""
        found = [
            f"{name}: {getattr(self, name)} before, {getattr(after, name)} after"
            for name in ("descriptors", "children", "threads")
            if getattr(after, name) > getattr(self, name)
        ]
        if after.memory_kb > self.memory_kb + _MAX_GROWTH_KB:
            found.append(f"memory: {self.memory_kb} kB before, {after.memory_kb} kB after")
        return found


def _children() -> Iterator[str]:
    for task in Path("/proc/self/task").iterdir():
        yield from (task / "children").read_text().split()


@dataclass(frozen=True)
class Soaked:
    """
    Result of `soak`.

    Args:
        trials: All trials.
        untried: Attacks that a box had no run left for.
        lost: Boxes that do not judge an honest submission any more, with the reason.
        leaked: Resources of the worker that grew.
        seconds: Wall time.
        before: The worker after the first tenth of the runs.
        after: The worker after all runs.
    """

    trials: tuple[Trial, ...]
    untried: frozenset[str]
    lost: tuple[str, ...]
    leaked: tuple[str, ...]
    seconds: float
    before: Health
    after: Health

    @property
    def deviations(self) -> list[str]:
        """All deviations of the trials, lost boxes, and leaks."""
        return [*deviations(self.trials), *self.lost, *self.leaked]

    def summary(self) -> str:
        """Summarize in one line."""
        verdicts = Counter(trial.verdict for trial in self.trials)
        counts = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
        changed = sum(len(trial.changed) for trial in self.trials)
        left = sum(len(trial.left) for trial in self.trials)
        return (
            f"{len(self.trials)} runs in {self.seconds:.0f} s; verdicts changed: {changed};"
            f" left behind: {left}; boxes lost: {len(self.lost)}; attacks that a box did not try:"
            f" {len(self.untried)}; verdicts: {counts}; leaks of the worker: {len(self.leaked)},"
            f" before {self.before}, after {self.after}"
        )


def soak(arenas: Sequence[Arena], attacks: Sequence[Attack], runs: int, tell: Tell) -> Soaked:
    """
    Attack from all arenas at the same time, in an order that is random and reproducible.

    Each arena tries every attack before it repeats one. Every fourth run is a submission with one
    known verdict; besides, honest submissions follow each run.

    Args:
        arenas: Where to run them.
        attacks: The attacks.
        runs: Number of runs of all arenas together.
        tell: Called with each trial.
    """
    chance, count = random.Random(_SEED), len(arenas)
    orders = [list(islice(_mixed(attacks, chance), runs // count)) for _ in arenas]
    settling = max(1, runs // count // 10)
    began = time.monotonic()
    trials = _side_by_side(arenas, [order[:settling] for order in orders], tell)
    before = Health.now()
    trials += _side_by_side(arenas, [order[settling:] for order in orders], tell)
    seconds, after = time.monotonic() - began, Health.now()
    tried = [{attack.name for attack, _ in order} for order in orders]
    untried = {attack.name for attack in attacks} - set.intersection(*tried)
    lost = tuple(
        f"box {arena.judge.box.number} is lost: {why}" for arena in arenas for why in arena.honest()
    )
    return Soaked(
        tuple(trials), frozenset(untried), lost, tuple(before.leaked(after)), seconds, before, after
    )


def _mixed(attacks: Sequence[Attack], chance: random.Random) -> Iterator[Fight]:
    witnesses = [attack for attack in attacks if attack.name in WITNESSES]
    while True:
        for number, attack in enumerate(chance.sample(attacks, len(attacks)), 1):
            yield attack, chance.random() < _WARM
            if witnesses and number % _ATTACKS_PER_WITNESS == 0:
                yield chance.choice(witnesses), chance.random() < _WARM


def _side_by_side(
    arenas: Sequence[Arena], orders: Sequence[Sequence[Fight]], tell: Tell
) -> list[Trial]:
    """Run the fights of each arena in it, one after the other; all arenas at the same time."""

    def run(arena: Arena, order: Sequence[Fight]) -> list[Trial]:
        return tour([arena], order, tell)

    with ThreadPoolExecutor(len(arenas)) as pool:
        return [trial for trials in pool.map(run, arenas, orders) for trial in trials]
