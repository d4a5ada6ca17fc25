"""The parts of ``make attacks``."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path

from arena.arena import Trial
from arena.attack import Attack, read_attacks, read_ideas
from arena.grading import find_language
from arena.neighbours import WITNESSES, disturb
from arena.soak import Soaked, soak
from arena.table import Progress
from arena.task import WORKER_ID, Report, in_a_task
from arena.tour import Fight, Tell, arenas, tour
from grader.sandbox.build import Installation, install, uninstall
from grader.sandbox.selftest import run_self_test

#: Attacks that run at the same time: most of them wait for a limit, so more than there are cores.
ARENAS = 3
_BOXES = ARENAS + 1  # and one whose files are the ones to steal
_FIRST_USER = 700_000_000
_USERS_PER_PROCESS = 4 * _BOXES
#: Directories that stay writable in a task.
WRITABLE = (Path(tempfile.gettempdir()), Path("/dev/shm"))
#: Ideas left out of `short_form`: slow attacks, and those that do not depend on a task's limits.
_LEFT_OUT = ("processes", "memory", "output", "compiler", "languages", "two boxes")


@contextmanager
def launcher_of_workers(*, landlock: bool = False) -> Iterator[Path]:
    """Install a launcher that the worker of a task can execute; Landlock is optional there."""
    with tempfile.TemporaryDirectory(prefix="grader-attacks-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        wanted = Installation(
            output=directory / "launcher",
            box_root=directory / "boxes",
            uid_base=_FIRST_USER + _USERS_PER_PROCESS * WORKER_ID % 100_000_000,
            boxes=_BOXES,
            worker_gid=WORKER_ID,
            landlock=landlock,
        )
        install(wanted)
        try:
            yield wanted.output
        finally:
            uninstall(wanted)


def as_workers_start_it(attack: Attack) -> Fight:
    """Pair an attack with the start of a worker: from a fork server if its language has one."""
    return attack, bool(find_language(attack.language).server_argv)


def both_ways(attacks: Sequence[Attack]) -> list[Fight]:
    """Pair each attack with a cold start and, where its language has one, with a fork server."""
    return [
        (attack, warm)
        for attack in attacks
        for warm in ((False, True) if find_language(attack.language).server_argv else (False,))
    ]


def short_form(attacks: Sequence[Attack]) -> list[Attack]:
    """Select the fast attacks that depend on the limits of a task, each in one language."""
    left_out = {idea for group, idea, _ in read_ideas() if group in _LEFT_OUT}
    return [one for one in attacks if not one.again and not left_out & set(one.ideas)]


def every_attack(
    launcher: Path, fights: Sequence[Fight], tell: Tell, count: int = ARENAS
) -> list[Trial]:
    """
    Run attacks in several boxes at the same time.

    Args:
        launcher: The installed launcher.
        fights: The attacks, each with whether it starts from a fork server.
        tell: Called with each trial.
        count: Number of boxes; the launcher needs one more.

    Raises:
        SelfTestError: Afterwards a box fails the self-test of the worker.
    """
    with arenas(launcher, count) as several:
        trials = tour(several, fights, tell)
        for arena in several:
            run_self_test(arena.judge.box)
        return trials


def in_two_boxes(
    launcher: Path, attacks: Sequence[Attack], witnesses_each: int = len(WITNESSES)
) -> list[Trial]:
    """
    Run each attack on the other box next to submissions with known verdicts.

    Args:
        launcher: The installed launcher.
        attacks: All attacks.
        witnesses_each: How many witnesses each attack gets, in turn.
    """
    witnesses = cycle(attack for attack in attacks if attack.name in WITNESSES)
    with arenas(launcher, 2) as (attacker, judged):
        return [
            disturb(attacker, judged, attack, list(islice(witnesses, witnesses_each)))
            for attack in attacks
            if attack.disturbs
        ]


def under_the_mask(launcher: Path, fights: Sequence[Fight], title: str) -> Report:
    """Run attacks with the rights of a worker in a Fargate task; the result is the trials."""
    progress = Progress(title, len(fights))
    return in_a_task(lambda: every_attack(launcher, fights, progress), WRITABLE)


def honest_work_asks_for_nothing(launcher: Path) -> Report:
    """Grade honest submissions where a request for a namespace kills; the result is deviations."""

    def work() -> list[str]:
        with arenas(launcher, 1) as (arena,):
            return [one for warm in (False, True) for one in arena.honest(warm=warm)]

    return in_a_task(work, WRITABLE, deadly=True)


def soaked(launcher: Path, attacks: Sequence[Attack], runs: int, title: str) -> Report:
    """Attack from two boxes at the same time, in a task; the result is a `Soaked`."""

    def work() -> Soaked:
        with arenas(launcher, 2) as both:
            return soak(both, attacks, runs, Progress(title, runs))

    return in_a_task(work, WRITABLE)


def all_attacks(only: str = "") -> list[Attack]:
    """Return the attacks with `only` in their name."""
    return [attack for attack in read_attacks() if only in attack.name]
