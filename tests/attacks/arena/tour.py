"""Runs many attacks in several boxes at the same time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from queue import SimpleQueue
from tempfile import TemporaryDirectory
from threading import Lock

from arena.arena import Arena, Trial
from arena.attack import Attack
from arena.grading import BUCKET, Judge
from arena.traces import Ground
from grader.judge.caches import open_caches
from grader.sandbox import Box
from grader.sandbox.box import WORK_DIRECTORIES
from grader.sandbox.runs import Role
from grader.testing import MemoryObjectStore

#: An attack, and whether its interpreter starts from a fork server.
Fight = tuple[Attack, bool]
#: Called with each finished trial.
Tell = Callable[[Trial], None]
_CACHE_BYTES = 1 << 30
#: Attacks with this idea run one at a time: of two that hide memory at once, one may be judged for
#: the memory of the other, which is a failure of the platform and no verdict.
_HIDING = "shared memory that is not resident"
_one_hides = Lock()
_SECRET = b"print('a secret')\n"


@contextmanager
def arenas(launcher: Path, count: int) -> Iterator[tuple[Arena, ...]]:
    """
    Claim boxes to attack, and one more with files to steal.

    Args:
        launcher: The installed launcher.
        count: Number of boxes to attack.
    """
    with ExitStack() as stack:
        workplace = Path(stack.enter_context(TemporaryDirectory(prefix="arena-")))
        (workplace / "secret").write_bytes(_SECRET)
        victim = stack.enter_context(Box.claim(launcher))
        for role in Role:
            victim.store(role, "solution.py", _SECRET)
        boxes = [stack.enter_context(Box.claim(launcher)) for _ in range(count)]
        store, cache = MemoryObjectStore(), workplace / "cache"
        caches = stack.enter_context(
            open_caches(store, BUCKET, max_bytes=_CACHE_BYTES, directory=cache)
        )
        yield tuple(
            _arena(Judge(box, store, caches), launcher, workplace, [victim, *boxes])
            for box in boxes
        )


def _arena(judge: Judge, launcher: Path, workplace: Path, boxes: Sequence[Box]) -> Arena:
    box = judge.box
    others = [other.directory for other in boxes if other is not box]
    forbidden: list[Path | str] = [workplace / "secret", workplace / "cache", launcher, *others]
    forbidden += ["/proc/self/../1/environ", f"/proc/{os.getpid()}/environ"]
    forbidden += [other / role / "solution.py" for other in others for role in Role]
    forbidden += [other / place for other in others for place in WORK_DIRECTORIES.values()]
    fixed = [launcher, launcher.parent, box.directory.parent, workplace, *others]
    return Arena(judge, forbidden, Ground(box, fixed, caches=[workplace / "cache"]))


def tour(arenas: Sequence[Arena], fights: Iterable[Fight], tell: Tell) -> list[Trial]:
    """
    Run attacks, one per arena at a time; returns the trials in the order of the fights.

    Args:
        arenas: Where to run them.
        fights: The attacks, each with whether it starts from a fork server.
        tell: Called with each trial.
    """
    free: SimpleQueue[Arena] = SimpleQueue()
    for arena in arenas:
        free.put(arena)

    def fight(chosen: Fight) -> Trial:
        arena = free.get()
        try:
            attack, warm = chosen
            with _one_hides if _HIDING in attack.ideas else nullcontext():
                trial = arena.fight(attack, warm=warm)
        finally:
            free.put(arena)
        tell(trial)
        return trial

    with ThreadPoolExecutor(len(arenas)) as pool:
        return list(pool.map(fight, fights))
