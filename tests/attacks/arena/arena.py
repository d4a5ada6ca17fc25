"""One slot in which attacks are graded, and everything that has to be as before afterwards."""

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
#: What a program prints that found no hole, and what an honest one has to answer.
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
    One attack, and what came of it.

    Args:
        attack: Its name.
        warm: Whether interpreters were taken from a fork server.
        verdict: What it got; several where its rounds differed.
        milliseconds: What all its rounds took, on the clock.
        deviations: Everything that is not as it should be; empty: it was held.
    """

    attack: str
    warm: bool
    verdict: str
    milliseconds: int
    deviations: tuple[str, ...]


def deviations(trials: Iterable[Trial]) -> list[str]:
    """All that is not as it should be, each with the attack before it."""
    return [f"{trial.attack}: {one}" for trial in trials for one in trial.deviations]


@dataclass(frozen=True)
class Arena:
    """
    A slot with a judge of its own.

    Args:
        judge: Grades in the slot.
        forbidden: Paths that no submission may open; each attack gets them as its input.
        ground: What has to look the same after each attack.
    """

    judge: Judge
    forbidden: Sequence[Path | str]
    ground: Ground

    def fight(self, attack: Attack, *, warm: bool = True) -> Trial:
        """Let one attack loose, and see to it that the slot is as good as before."""
        self._prepare(attack)
        before = self.ground.look()
        found: list[str] = []
        verdicts: list[str] = []
        started = time.monotonic()
        for _ in range(attack.rounds):
            verdicts.append(self._submit(attack, warm=warm))
            found += left_behind(self.ground.box)
        took = time.monotonic() - started
        if not set(verdicts) <= set(attack.verdict):
            found.append(f"verdict {verdicts}, not {attack.verdict}; {self.judge.last_words()}")
        found += differences(before, self.ground.look()) + self.ground.strangers()
        found += [f"unprintable in {place}" for place in self._unprintable()]
        self.judge.forget(attack.name)
        found += self.honest(warm=warm)
        verdict = "/".join(sorted(set(verdicts)))
        return Trial(attack.name, warm, verdict, round(took * 1000), tuple(found))

    def honest(self, *, warm: bool = True) -> list[str]:
        """Grade submissions that are right; tells of each that is not found so."""
        cases = f"problems/{self.judge.problem('honest')}/{_CASES}"
        self.judge.put(f"{cases}/1.in", b"")
        self.judge.put(f"{cases}/1.ans", _SAFE)
        found = []
        for language, source in _HONEST:
            got = self.judge.grade("honest", source, language, **_HONEST_LIMITS, warm=warm)
            if got != "AC":
                words = self.judge.last_words()
                found.append(f"an honest {language} submission got {got}: {words}")
        return found

    def _submit(self, attack: Attack, *, warm: bool) -> str:
        return self.judge.grade(
            attack.name,
            attack.content,
            attack.language,
            time_limit_ms=attack.time_limit_ms,
            memory_limit_mb=attack.memory_limit_mb,
            warm=warm,
            file=attack.file_name,
        )

    def _prepare(self, attack: Attack) -> None:
        """Put the attack's problem into the bucket."""
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
            "limits": {"compilation_time": attack.compile_seconds, "validation_time": 0.4},
        }
        self.judge.put(f"{problem}/problem.yaml", json.dumps(settings).encode())

    def _unprintable(self) -> Iterator[str]:
        """What would act on a terminal, in everything that a person may look at."""
        for place, text in self.judge.records():
            if not all(char.isprintable() or char in _LINE_BREAKS for char in text):
                yield place
