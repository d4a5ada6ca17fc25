"""
Grades the same ten submissions with this judge and with other ones.

Measured is the time from the source on disk to the last verdict. Both judges are running, and each
round adds a comment to every source, so that no compile cache has it.
"""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import dmoj
import isolate
import judge
from figures import Absent, Aim, Figure, Measured, clocked
from progress import say
from rival import Rival, UnavailableError
from ten_submissions import (
    MEMORY_LIMIT_MB,
    TIME_LIMIT_MS,
    Case,
    Submission,
    cases,
    submissions,
)

_ROUNDS = 3
_PROBLEM = "sum"
_COMMENTS = {"c": "//", "cpp": "//", "python": "#"}
_RIVALS: dict[str, Callable[[Iterable[Case], int, int], AbstractContextManager[Rival]]] = {
    "dmoj": dmoj.running,
    "isolate": isolate.running,
}
_INSTALLERS: dict[str, Callable[[], object]] = {
    "dmoj": dmoj.install,
    "isolate": isolate.require,
}
_FASTER = Aim(1.0)


@dataclass(frozen=True)
class _Heat:
    """Seconds and verdicts of one submission by both judges."""

    submission: Submission
    ours: tuple[float, tuple[str, ...]]
    theirs: tuple[float, tuple[str, ...]]

    @property
    def agrees(self) -> bool:
        """Whether every case got the same verdict."""
        return self.ours[1] == self.theirs[1]


def prepare() -> None:
    """Install the other judges, and say which comparisons will be absent and why."""
    for name, install in _INSTALLERS.items():
        try:
            install()
        except UnavailableError as error:
            say(f"the comparison with {name} will be absent: {error}")


def measure(launcher: Path) -> Measured:
    """Compare with every judge that works on this machine; the others are absent with a reason."""
    limits = (TIME_LIMIT_MS, MEMORY_LIMIT_MB)
    for name, running in _RIVALS.items():
        try:
            with running(cases(), *limits) as theirs, judge.running(launcher, *limits) as ours:
                ours.add_problem(_PROBLEM, cases())
                heats = list(_heats(ours, name, theirs))
        except UnavailableError as error:
            yield f"judge_vs_{name}_ratio", Absent(str(error))
        else:
            _check(name, heats)
            yield from _figures(name, heats)


def _heats(ours: judge.Judge, name: str, theirs: Rival) -> Iterator[_Heat]:
    """Grade all ten in several rounds; the first one is not counted."""

    def grade(language: str, source: Path) -> tuple[str, ...]:
        return judge.verdicts(ours.grade(_PROBLEM, language, source.read_bytes()))

    with TemporaryDirectory() as directory:
        for number in range(_ROUNDS + 1):
            say(f"ten submissions by this judge and {name}, round {number} of {_ROUNDS}")
            for submission in submissions():
                source = _fresh(submission, Path(directory))
                heat = _Heat(
                    submission,
                    clocked(grade, submission.language, source),
                    clocked(theirs.judge, submission.language, source),
                )
                if number:
                    yield heat


def _fresh(submission: Submission, directory: Path) -> Path:
    """Copy a source and append a unique comment."""
    path = directory / submission.name
    comment = f"{_COMMENTS[submission.language]} {secrets.token_hex(8)}\n"
    path.write_text(submission.path.read_text() + comment)
    return path


def _check(name: str, heats: Iterable[_Heat]) -> None:
    """Require the expected verdicts of this judge; print differing ones of the other."""
    for heat in heats:
        submission = heat.submission
        if heat.ours[1] != submission.verdicts:
            raise SystemExit(
                f"{submission.name}: this judge gave {heat.ours[1]}, expected {submission.verdicts}"
            )
        if not heat.agrees:
            say(f"{submission.name}: {name} gave {heat.theirs[1]}, this judge {heat.ours[1]}")


def _figures(name: str, heats: list[_Heat]) -> Measured:
    ours, theirs = _total(heats)
    yield f"judge_vs_{name}_ratio", Figure(ours / theirs, "of theirs", 1.0, _ROUNDS, _FASTER)
    for language in _COMMENTS:
        part = _total([heat for heat in heats if heat.submission.language == language])
        yield f"judge_vs_{name}_{language}_seconds", Figure(part[0], "seconds", part[1], _ROUNDS)
    differing = {heat.submission.name for heat in heats if not heat.agrees}
    total = len(submissions())
    yield (
        f"judge_vs_{name}_verdicts_agree",
        Figure(total - len(differing), "submissions", total, _ROUNDS),
    )


def _total(heats: list[_Heat]) -> tuple[float, float]:
    """Seconds of this and of the other judge: the sum of the medians per submission."""
    by_name: dict[str, list[_Heat]] = {}
    for heat in heats:
        by_name.setdefault(heat.submission.name, []).append(heat)
    groups = by_name.values()
    return (
        sum(statistics.median(heat.ours[0] for heat in group) for group in groups),
        sum(statistics.median(heat.theirs[0] for heat in group) for group in groups),
    )
