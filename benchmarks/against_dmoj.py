"""
The same ten submissions through our judge and through DMOJ's.

The clock runs from the source on disk to the last verdict; both judges are up, and neither has seen
the source before: each round adds a comment to it, so that no compile cache helps.
"""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dmoj
import judge
from figures import Aim, Figure, clocked
from progress import say
from ten_submissions import MEMORY_LIMIT_MB, TIME_LIMIT_MS, Submission, cases, submissions

_ROUNDS = 3
_PROBLEM = "sum"
_COMMENTS = {"c": "//", "cpp": "//", "python": "#"}
_FASTER = Aim(1.0)

#: Judges a source on disk: a verdict a case, or only CE.
_Judging = Callable[[str, Path], tuple[str, ...]]


@dataclass(frozen=True)
class _Heat:
    """Seconds and verdicts of one submission in both judges."""

    submission: Submission
    ours: tuple[float, tuple[str, ...]]
    theirs: tuple[float, tuple[str, ...]]

    @property
    def agrees(self) -> bool:
        """Whether each case got the same verdict."""
        return self.ours[1] == self.theirs[1]


def measure(launcher: Path) -> Iterator[tuple[str, Figure]]:
    """Against DMOJ; nothing, and a printed reason, where it cannot be installed."""
    limits = (TIME_LIMIT_MS, MEMORY_LIMIT_MB)
    try:
        with dmoj.running(cases(), *limits) as theirs, judge.running(launcher, *limits) as ours:
            ours.add_problem(_PROBLEM, cases())

            def grade(language: str, source: Path) -> tuple[str, ...]:
                return judge.verdicts(ours.grade(_PROBLEM, language, source.read_bytes()))

            heats = list(_heats(grade, theirs.judge))
    except dmoj.UnavailableError as error:
        say(f"no comparison with DMOJ: {error}")
        return
    _check(heats)
    yield from _figures(heats)


def _heats(ours: _Judging, theirs: _Judging) -> Iterator[_Heat]:
    """All ten, several times over; the first time only warms up."""
    with TemporaryDirectory() as name:
        for number in range(_ROUNDS + 1):
            say(f"ten submissions through DMOJ and us, round {number} of {_ROUNDS}")
            for submission in submissions():
                source = _fresh(submission, Path(name))
                heat = _Heat(
                    submission,
                    clocked(ours, submission.language, source),
                    clocked(theirs, submission.language, source),
                )
                if number:
                    yield heat


def _fresh(submission: Submission, directory: Path) -> Path:
    """Copy a source and give it a comment of its own."""
    path = directory / submission.name
    comment = f"{_COMMENTS[submission.language]} {secrets.token_hex(8)}\n"
    path.write_text(submission.path.read_text() + comment)
    return path


def _check(heats: Iterable[_Heat]) -> None:
    """Speed is worth nothing where the verdict is wrong; theirs is only told."""
    for heat in heats:
        name, expected = heat.submission.name, heat.submission.verdicts
        if heat.ours[1] != expected:
            raise SystemExit(f"{name}: we say {heat.ours[1]}, expected {expected}")
        if not heat.agrees:
            say(f"{name}: DMOJ says {heat.theirs[1]}, we say {heat.ours[1]}")


def _figures(heats: list[_Heat]) -> Iterator[tuple[str, Figure]]:
    ours, theirs = _total(heats)
    yield "judge_vs_dmoj_ratio", Figure(ours / theirs, "of DMOJ's", 1.0, _ROUNDS, _FASTER)
    yield "judge_ten_submissions_seconds", Figure(ours, "seconds", theirs, _ROUNDS)
    for language in _COMMENTS:
        part = _total([heat for heat in heats if heat.submission.language == language])
        yield f"judge_{language}_submissions_seconds", Figure(part[0], "seconds", part[1], _ROUNDS)
    agreeing = {heat.submission.name for heat in heats} - {
        heat.submission.name for heat in heats if not heat.agrees
    }
    total = len(submissions())
    yield (
        "judge_verdicts_as_dmoj",
        Figure(len(agreeing), "submissions", total, _ROUNDS, Aim(total, at_least=True)),
    )


def _total(heats: list[_Heat]) -> tuple[float, float]:
    """Our and their seconds for all of them: the sum of each one's median."""
    by_name: dict[str, list[_Heat]] = {}
    for heat in heats:
        by_name.setdefault(heat.submission.name, []).append(heat)
    groups = by_name.values()
    return (
        sum(statistics.median(heat.ours[0] for heat in group) for group in groups),
        sum(statistics.median(heat.theirs[0] for heat in group) for group in groups),
    )
