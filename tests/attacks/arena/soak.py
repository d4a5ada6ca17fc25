"""Runs attacks in random order and checks that the worker leaks nothing."""

from __future__ import annotations

import gc
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from arena.arena import Arena, Trial, deviations
from arena.attack import Attack
from arena.tour import Tell, tour

#: Allowed growth of the worker: buffers, caches of the allocator, modules.
_MAX_GROWTH_KB = 24 << 10
#: Threads of the caches, which start on demand and stay.
_CACHE_THREADS = "fetch"
_SEED = 20_240_820


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
        leaked: Resources of the worker that grew.
        seconds: Wall time.
        before: The worker after the first tenth of the runs.
        after: The worker after all runs.
    """

    trials: tuple[Trial, ...]
    leaked: tuple[str, ...]
    seconds: float
    before: Health
    after: Health

    @property
    def deviations(self) -> list[str]:
        """All deviations of the trials, and leaks."""
        return [*deviations(self.trials), *self.leaked]

    def summary(self) -> str:
        """Summarize in one line."""
        verdicts = Counter(trial.verdict for trial in self.trials)
        counts = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
        return (
            f"{len(self.trials)} runs in {self.seconds:.0f} s: {counts}; deviations:"
            f" {len(self.deviations)}; worker before {self.before}, after {self.after}"
        )


def soak(arenas: Sequence[Arena], attacks: Sequence[Attack], runs: int, tell: Tell) -> Soaked:
    """
    Run random attacks in all arenas at the same time; the random choice is reproducible.

    Args:
        arenas: Where to run them.
        attacks: The attacks to choose from.
        runs: Number of runs.
        tell: Called with each trial.
    """
    chance = random.Random(_SEED)
    chosen = [(chance.choice(attacks), chance.random() < 0.5) for _ in range(runs)]
    settling = max(len(arenas), runs // 10)
    trials = tour(arenas, chosen[:settling], tell)
    started, before = time.monotonic(), Health.now()
    trials += tour(arenas, chosen[settling:], tell)
    seconds, after = time.monotonic() - started, Health.now()
    return Soaked(tuple(trials), tuple(before.leaked(after)), seconds, before, after)
