"""
Runs threads one step at a time, in every possible order.

A thread calls `Turn.step` before each of its effects and waits there for its turn. `explore` runs a
scenario again and again, each time with the next sequence of choices, until there is no other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


class CrashedError(BaseException):
    """The thread ends at this step, as if its process were killed."""


class Turn:
    """
    Where one thread waits for its turn.

    Args:
        work: What the thread does; it calls `step` of this turn.
    """

    def __init__(self, work: Callable[[Turn], None]) -> None:
        self._go = threading.Semaphore(0)
        self._arrived = threading.Semaphore(0)
        self._crashes = False
        self.at = ""  # the step that it waits before; empty when it has ended
        self.ready: Callable[[], bool] = lambda: True
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, args=[work], daemon=True)

    def start(self) -> None:
        """Run up to the first step."""
        self._thread.start()
        self._arrived.acquire()

    @property
    def crashed(self) -> bool:
        """Whether the thread was told to end as if its process were killed."""
        return self._crashes

    def step(self, name: str, ready: Callable[[], bool] = lambda: True) -> None:
        """Wait for the turn; called by the thread, before the effect `name`."""
        self.at, self.ready = name, ready
        self._arrived.release()
        self._go.acquire()
        if self._crashes:
            raise CrashedError

    def go(self) -> None:
        """Let the thread do this step and run up to its next one."""
        self._go.release()
        self._arrived.acquire()

    def crash(self) -> None:
        """End the thread before this step."""
        self._crashes = True
        self.go()

    def _run(self, work: Callable[[Turn], None]) -> None:
        try:
            work(self)
        except CrashedError:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again in the thread of the test
            self.error = error
        self.at = ""
        self._arrived.release()


@dataclass
class Choices:
    """The choices of one run: those of `planned`, then always the first option."""

    planned: list[int] = field(default_factory=list)
    taken: list[tuple[int, int]] = field(default_factory=list)  # choice, number of options

    def choose(self, count: int) -> int:
        """Choose one of `count` options."""
        at = len(self.taken)
        choice = self.planned[at] if at < len(self.planned) else 0
        self.taken.append((choice, count))
        return choice


def explore() -> Iterator[Choices]:
    """Yield choices for one run after the other, until each sequence of choices was run."""
    planned: list[int] | None = []
    while planned is not None:
        choices = Choices(planned)
        yield choices
        planned = _next(choices.taken)


def _next(taken: list[tuple[int, int]]) -> list[int] | None:
    """Return the next sequence of choices in the order of a dictionary; None after the last."""
    for at in range(len(taken) - 1, -1, -1):
        choice, count = taken[at]
        if choice + 1 < count:
            return [each for each, _ in taken[:at]] + [choice + 1]
    return None
