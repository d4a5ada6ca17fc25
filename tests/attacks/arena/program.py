"""What ``make attacks`` does, part by part."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from arena.arena import Trial
from arena.attack import Attack, read_attacks, read_ideas
from arena.grading import find_language
from arena.neighbours import WITNESSES, disturb
from arena.soak import Soaked, soak
from arena.table import Progress
from arena.task import WORKER_ID, Report, in_a_task
from arena.tour import Tell, arenas, tour
from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.selftest import run_self_test

_SLOTS = 4
_FIRST_USER = 700_000_000
_USERS_PER_PROCESS = 4 * _SLOTS
#: Directories that stay writable in a task.
WRITABLE = (Path(tempfile.gettempdir()), Path("/dev/shm"))
#: What the short form leaves out: attacks that take seconds, or say nothing about a task's bounds.
_LEFT_OUT = ("processes", "memory", "output", "compiler", "languages", "two slots")


@contextmanager
def launcher_of_workers() -> Iterator[Path]:
    """Install a launcher that the worker of a task may execute."""
    with tempfile.TemporaryDirectory(prefix="grader-attacks-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        wanted = Installation(
            output=directory / "launcher",
            box_root=directory / "boxes",
            uid_base=_FIRST_USER + _USERS_PER_PROCESS * WORKER_ID % 100_000_000,
            slots=_SLOTS,
            worker_gid=WORKER_ID,
            landlock=False,  # it is never required
        )
        install(wanted)
        try:
            yield wanted.output
        finally:
            uninstall(wanted)


def both_ways(attacks: Sequence[Attack]) -> list[tuple[Attack, bool]]:
    """Each attack cold, and those of languages with a fork server also warm."""
    return [
        (attack, warm)
        for attack in attacks
        for warm in ((False, True) if find_language(attack.language).server_argv else (False,))
    ]


def short_form(attacks: Sequence[Attack]) -> list[Attack]:
    """Those that a bounded run has time for."""
    left_out = {idea for group, idea, _ in read_ideas() if group in _LEFT_OUT}
    return [attack for attack in attacks if not left_out & set(attack.ideas)]


def every_attack(launcher: Path, attacks: Sequence[Attack], tell: Tell) -> list[Trial]:
    """
    All of them, both ways, two at a time.

    Raises:
        SelfTestError: After them the sandbox does not hold what a worker tries at its start.
    """
    with arenas(launcher, 2) as pair:
        trials = tour(pair, both_ways(attacks), tell)
        for arena in pair:
            run_self_test(arena.judge.box)
        return trials


def in_two_slots(launcher: Path, attacks: Sequence[Attack]) -> list[Trial]:
    """Each that aims at the other slot, beside submissions whose verdicts are known."""
    witnesses = [attack for attack in attacks if attack.name in WITNESSES]
    with arenas(launcher, 2) as (attacker, judged):
        return [
            disturb(attacker, judged, attack, witnesses) for attack in attacks if attack.disturbs
        ]


def under_the_mask(launcher: Path, attacks: Sequence[Attack], title: str) -> Report:
    """The suite as a worker in a Fargate task would run it; its result are the trials."""
    progress = Progress(title, len(both_ways(attacks)))
    return in_a_task(lambda: every_attack(launcher, attacks, progress), WRITABLE)


def honest_work_asks_for_nothing(launcher: Path) -> Report:
    """Where asking for a namespace or a mount is deadly, honest work goes on; gives deviations."""

    def work() -> list[str]:
        with arenas(launcher, 1) as (arena,):
            return [one for warm in (False, True) for one in arena.honest(warm=warm)]

    return in_a_task(work, WRITABLE, deadly=True)


def soaked(launcher: Path, attacks: Sequence[Attack], runs: int, title: str) -> Report:
    """Many runs by chance in a task; its result is what came of them."""

    def work() -> Soaked:
        with arenas(launcher, 2) as pair:
            return soak(pair, attacks, runs, Progress(title, runs))

    return in_a_task(work, WRITABLE)


def all_attacks(only: str = "") -> list[Attack]:
    """Those whose names hold a word."""
    return [attack for attack in read_attacks() if only in attack.name]
