"""Grades attacks in a box and compares the state of the machine before and after."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from arena.attack import Attack
from arena.grading import Judge
from arena.traces import Ground, differences, left_behind

_CASES = "testcases"
_MB = 1 << 20
#: Output of a program that found no hole, and the right answer of an honest one.
_SAFE = b"safe\n"
_HONEST = (
    ("python", b"print('safe')\n"),
    ("c", b'#include <stdio.h>\nint main(void) { puts("safe"); return 0; }\n'),
)
_HONEST_LIMITS = {"time_limit_ms": 5000, "memory_limit_mb": 64}
_LINE_BREAKS = "\n\t"


@dataclass(frozen=True)
class Trial:
    """
    Result of one attack.

    Args:
        attack: Name of the attack.
        warm: Whether it started from a fork server.
        verdict: Its verdict; several if its rounds differed.
        milliseconds: Wall time of all its rounds.
        changed: Verdicts that are not the expected ones, of the attack and of honest submissions.
        left: What was there afterwards and not before, or the reverse.
    """

    attack: str
    warm: bool
    verdict: str
    milliseconds: int
    changed: tuple[str, ...]
    left: tuple[str, ...]

    @property
    def deviations(self) -> tuple[str, ...]:
        """Differences from what is expected; empty if the sandbox held."""
        return self.changed + self.left


def deviations(trials: Iterable[Trial]) -> list[str]:
    """List all deviations, each with the name of its attack."""
    return [f"{trial.attack}: {one}" for trial in trials for one in trial.deviations]


@dataclass(frozen=True)
class Arena:
    """
    A box with a judge.

    Args:
        judge: Grades in the box.
        forbidden: Paths that no submission can open; each attack gets them as its input.
        ground: Files that must be the same after each attack.
    """

    judge: Judge
    forbidden: Sequence[Path | str]
    ground: Ground

    def fight(self, attack: Attack, *, warm: bool = True) -> Trial:
        """Run one attack, then check that the box works and nothing has changed."""
        self.prepare(attack)
        before = self.ground.look()
        left: list[str] = []
        verdicts: list[str] = []
        started = time.monotonic()
        for _ in range(attack.rounds):
            verdicts.append(self.submit(attack, warm=warm))
            left += left_behind(self.ground.box)
        took = round((time.monotonic() - started) * 1000)
        changed = []
        if not set(verdicts) <= set(attack.verdict):
            changed.append(f"verdict {verdicts}, not {attack.verdict}; {self.judge.log_excerpt()}")
        left += differences(before, self.ground.look()) + self.ground.unsafe_cache_entries()
        left += [f"unprintable in {place}" for place in self._unprintable()]
        self.judge.forget(attack.name)
        changed += self.honest(warm=warm)
        verdict = "/".join(sorted(set(verdicts)))
        return Trial(attack.name, warm, verdict, took, tuple(changed), tuple(left))

    def honest(self, *, warm: bool = True) -> list[str]:
        """Grade correct submissions; returns a line for each that does not get AC."""
        cases = f"problems/{self.judge.problem('honest')}/{_CASES}"
        self.judge.put(f"{cases}/1.in", b"")
        self.judge.put(f"{cases}/1.ans", _SAFE)
        found = []
        for language, source in _HONEST:
            got = self.judge.grade("honest", source, language, **_HONEST_LIMITS, warm=warm)
            if got != "AC":
                log = self.judge.log_excerpt()
                found.append(f"an honest {language} submission got {got}: {log}")
        return found

    def submit(self, attack: Attack, *, warm: bool = True) -> str:
        """Grade an attack that is prepared; returns the verdict."""
        return self.judge.grade(
            attack.name,
            attack.content,
            attack.language,
            time_limit_ms=attack.time_limit_ms,
            memory_limit_mb=attack.memory_limit_mb,
            warm=warm,
            file=attack.file_name,
        )

    def prepare(self, attack: Attack) -> None:
        """Store the problem of the attack in the bucket."""
        text = "".join(f"{path}\n" for path in self.forbidden).encode()
        text += bytes(max(0, attack.input_mb * _MB - len(text)))
        problem = f"problems/{self.judge.problem(attack.name)}"
        for number in range(attack.cases):
            self.judge.put(f"{problem}/{_CASES}/{number}.in", text)
            self.judge.put(f"{problem}/{_CASES}/{number}.ans", _SAFE)
        if attack.validator:
            self.judge.put(f"{problem}/output_validators/{attack.checker}", attack.validator)
        settings = {
            "allow_file_writing": attack.writable,
            "limits": {"compilation_time": attack.compile_seconds, "validation_time": 2},
        }
        self.judge.put(f"{problem}/problem.yaml", json.dumps(settings).encode())

    def _unprintable(self) -> Iterator[str]:
        """Find terminal control characters in everything that a person may read."""
        for place, text in self.judge.records():
            if not all(char.isprintable() or char in _LINE_BREAKS for char in text):
                yield place
