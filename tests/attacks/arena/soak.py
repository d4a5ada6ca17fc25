"""A thousand hostile runs in a mixed order, and whether the worker has lost anything by them."""

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

#: Memory of the worker that may come with work: buffers, caches of the allocator, modules.
_MORE_KB = 24 << 10
#: Threads of the caches, which come when they are needed and then stay.
_HELPERS = "fetch"
_SEED = 20_240_820


@dataclass(frozen=True)
class Health:
    """What a process has: things that only grow in one that leaks."""

    descriptors: int
    children: int
    threads: int
    memory_kb: int

    @classmethod
    def now(cls) -> Health:
        """Of this process."""
        gc.collect()
        text = Path("/proc/self/status").read_text()
        memory = re.search(r"^VmRSS:\s*(\d+)", text, re.MULTILINE)
        return cls(
            descriptors=len(os.listdir("/proc/self/fd")),
            children=len(list(_children())),
            threads=sum(not one.name.startswith(_HELPERS) for one in threading.enumerate()),
            memory_kb=int(memory[1]) if memory else 0,
        )

    def lost(self, after: Health) -> list[str]:
        """What there is more of afterwards than there may be."""
        found = [
            f"{name}: {getattr(self, name)} before, {getattr(after, name)} after"
            for name in ("descriptors", "children", "threads")
            if getattr(after, name) > getattr(self, name)
        ]
        if after.memory_kb > self.memory_kb + _MORE_KB:
            found.append(f"memory: {self.memory_kb} kB before, {after.memory_kb} kB after")
        return found


def _children() -> Iterator[str]:
    for task in Path("/proc/self/task").iterdir():
        yield from (task / "children").read_text().split()


@dataclass(frozen=True)
class Soaked:
    """
    What came of it.

    Args:
        trials: All of them.
        lost: What the worker has more of than before.
        seconds: How long it took.
        before: The worker, after it had warmed up.
        after: The worker at the end.
    """

    trials: tuple[Trial, ...]
    lost: tuple[str, ...]
    seconds: float
    before: Health
    after: Health

    @property
    def deviations(self) -> list[str]:
        """All that is not as it should be."""
        return [*deviations(self.trials), *self.lost]

    def summary(self) -> str:
        """One line."""
        verdicts = Counter(trial.verdict for trial in self.trials)
        counts = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.most_common())
        return (
            f"{len(self.trials)} runs in {self.seconds:.0f} s: {counts}; left over or wrong:"
            f" {len(self.deviations)}; worker before {self.before}, after {self.after}"
        )


def soak(arenas: Sequence[Arena], attacks: Sequence[Attack], runs: int, tell: Tell) -> Soaked:
    """
    Let attacks loose by chance, the same chance each time, over all arenas at once.

    Args:
        arenas: Where.
        attacks: Those to choose from.
        runs: How many.
        tell: Told of each trial.
    """
    chance = random.Random(_SEED)
    chosen = [(chance.choice(attacks), chance.random() < 0.5) for _ in range(runs)]
    settling = max(len(arenas), runs // 10)
    trials = tour(arenas, chosen[:settling], tell)
    started, before = time.monotonic(), Health.now()
    trials += tour(arenas, chosen[settling:], tell)
    seconds, after = time.monotonic() - started, Health.now()
    return Soaked(tuple(trials), tuple(before.lost(after)), seconds, before, after)
