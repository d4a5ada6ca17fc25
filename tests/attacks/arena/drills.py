"""Honest submissions in one box while something uses up the disk or the memory of the task."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from pathlib import Path

from cgroups import enter, free_memory

from arena.arena import Arena
from arena.attack import Attack
from arena.tour import arenas

_PAUSE_SECONDS = 0.1
_OVER_WITHIN_SECONDS = 300
_MB = 1 << 20


@dataclass(frozen=True)
class Drilled:
    """
    Result of a drill.

    Args:
        offender: Verdict of the program that uses everything up.
        neighbours: Verdicts of the honest submissions, with those of the attempts before.
        afterwards: What deviates in the two boxes when it is over.
    """

    offender: str
    neighbours: tuple[tuple[str, ...], ...]
    afterwards: tuple[str, ...]

    @property
    def wrong(self) -> list[tuple[str, ...]]:
        """Honest submissions that got anything but AC, perhaps after faults of the platform."""
        return [seen for seen in self.neighbours if seen[-1] != "AC" or set(seen) - {"AC", "IE"}]


def beside(both: Sequence[Arena], attack: Attack, honest: Sequence[Attack]) -> Drilled:
    """
    Judge honest submissions in the second box as long as an attack runs in the first.

    Args:
        both: The two boxes.
        attack: The attack.
        honest: The submissions; each is judged at least once, and again after a platform fault.
    """
    attacker, judged = both
    for submission in honest:
        judged.prepare(submission)
    attacker.prepare(attack)
    neighbours = []
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(attacker.submit, attack)
        waiting = list(honest)
        while waiting or not running.done():
            submission = waiting.pop() if waiting else honest[0]
            neighbours.append(attempts(judged, submission))
            wait([running], _PAUSE_SECONDS)
        offender = running.result()
    afterwards = [one for arena in both for one in arena.honest()]
    return Drilled(offender, tuple(neighbours), tuple(afterwards))


def attempts(arena: Arena, submission: Attack) -> tuple[str, ...]:
    """Grade a submission until the verdict is not a fault of the platform; returns all verdicts."""
    pause = threading.Event()
    deadline = time.monotonic() + _OVER_WITHIN_SECONDS
    seen = [arena.submit(submission)]
    while seen[-1] == "IE" and time.monotonic() < deadline:
        pause.wait(
            _PAUSE_SECONDS
        )  # there is no event for it: a used directory may still be emptied
        seen.append(arena.submit(submission))
    return tuple(seen)


def on_a_disk(disk: Path, launcher: Path, attack: Attack, honest: Sequence[Attack]) -> Drilled:
    """Drill with boxes, caches and outputs on a disk, whose space has to be free again."""
    tempfile.tempdir = str(disk)
    with arenas(launcher, 2) as both:
        before = _free(disk)
        done = beside(both, attack, honest)
        lost = before - _free(disk)
    gone = () if lost < _MB else (f"{lost} bytes of the disk are not free again",)
    return replace(done, afterwards=done.afterwards + gone)


def in_a_cgroup(group: Path, launcher: Path, work: Callable[[Sequence[Arena]], Drilled]) -> Drilled:
    """Work with two boxes in a cgroup."""
    enter(group)
    with arenas(launcher, 2) as both:
        return work(both)


def without_memory(
    group: Path, both: Sequence[Arena], honest: Sequence[Attack], left_bytes: int
) -> Drilled:
    """
    Judge while memory that no process shows leaves too little for it, and again afterwards.

    Args:
        group: The cgroup of this process.
        both: The two boxes.
        honest: The submissions.
        left_bytes: Memory that is left for all of them.
    """
    _, judged = both
    for submission in honest:
        judged.prepare(submission)
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as hog:
        os.posix_fallocate(hog.fileno(), 0, free_memory(group) - left_bytes)
        first = [judged.submit(submission) for submission in honest]
    seen = [(one, *attempts(judged, honest)) for one, honest in zip(first, honest, strict=True)]
    return Drilled("", tuple(seen), tuple(both[0].honest()))


def _free(disk: Path) -> int:
    found = os.statvfs(disk)
    return found.f_bavail * found.f_frsize
