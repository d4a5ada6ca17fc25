"""
Boxes with started interpreters, so that a run need not wait for one to start.

A box serves one run: it is taken with a started fork server that has seen no program, gets the
function, runs it, and is given back. A background thread then cleans it and starts a new
interpreter. Only boxes of the upper half are used, so that grading finds a box whatever happens
here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

from grader.errors import GraderError
from grader.logs import Logger
from grader.sandbox import Box
from grader.sandbox.runs import RunSpec

#: After the start of a box failed.
_PAUSE_SECONDS = 30.0
_JOIN_SECONDS = 10.0
_KB_PER_MB = 1024
#: What an interpreter counts before one of its runtime was measured; that of Python has 10 MB.
_ASSUMED_KB = 16 * _KB_PER_MB


@dataclass(eq=False)
class WarmBox:
    """A box of the pool."""

    box: Box
    runtime: str
    release: ExitStack
    resident_kb: int = _ASSUMED_KB
    is_measured: bool = False


@dataclass(eq=False)
class WarmPool:
    """
    The warm boxes of a worker; thread-safe.

    Args:
        runtimes: How the interpreter of each runtime is started, by its name.
        claim: Claims a box, as `Box.claim`, and closes it with the stack.
        budget_mb: Memory of all interpreters together, MB; 0: no pool.
        most: Number of boxes, at most.
        log: Log of the worker.
        settle_seconds: Time in which an interpreter has started, so that it can be measured.
        clock: Monotonic seconds.
    """

    runtimes: Mapping[str, RunSpec]
    claim: Callable[[ExitStack], Box]
    budget_mb: int
    most: int
    log: Logger
    settle_seconds: float = 2.0
    clock: Callable[[], float] = monotonic
    _ready: dict[str, deque[WarmBox]] = field(default_factory=dict, init=False)
    _used: deque[WarmBox] = field(default_factory=deque, init=False)
    _typical_kb: dict[str, int] = field(default_factory=dict, init=False)
    _all: list[WarmBox] = field(default_factory=list, init=False)
    _changed: threading.Condition = field(default_factory=threading.Condition, init=False)
    _stopping: bool = field(default=False, init=False)
    _is_quiet: bool = field(default=False, init=False)
    _full_until: float = field(default=0.0, init=False)

    def take(self, runtime: str) -> WarmBox | None:
        """Take a box with a started interpreter, which has to be given back; None without any."""
        with self._changed:
            ready = self._ready.get(runtime)
            return ready.popleft() if ready else None

    def give_back(self, warm: WarmBox) -> None:
        """Give back a box that was used; the background thread cleans it."""
        with self._changed:
            self._used.append(warm)
            self._changed.notify_all()

    @property
    def size(self) -> int:
        """Number of its boxes, also of those in use."""
        return len(self._all)

    @property
    def resident_kb(self) -> int:
        """Memory of all its interpreters with their launchers, measured or expected, in kB."""
        return sum(each.resident_kb for each in list(self._all))

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Keep the pool filled on a background thread while the block runs; then end all boxes."""
        if not self.budget_mb or not self.runtimes:
            yield
            return
        thread = threading.Thread(target=self._run, name="warm-pool", daemon=True)
        thread.start()
        try:
            yield
        finally:
            with self._changed:
                self._stopping = True
                self._changed.notify_all()
            thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        pause: float | None = 0.0
        try:
            while not self._await_work(pause):
                try:
                    self._renew_used()
                    self._measure()
                    self._fill()
                    pause = None
                except (GraderError, OSError) as error:  # functions run without it
                    self.log.warning("Warm pool is smaller than wanted", reason=str(error))
                    self._full_until = self.clock() + _PAUSE_SECONDS
                    pause = _PAUSE_SECONDS
                if not all(warm.is_measured for warm in self._idle()):
                    pause = self.settle_seconds
        finally:
            for warm in list(self._all):
                self._drop(warm)

    def _await_work(self, seconds: float | None) -> bool:
        """Wait for a used box, at most for this time; True when the worker shuts down."""
        with self._changed:
            is_due = self._changed.wait_for(lambda: self._stopping or bool(self._used), seconds)
            self._is_quiet = not is_due
            return self._stopping

    def _renew_used(self) -> None:
        while self._used and not self._stopping:
            self._start(self._used.popleft())

    def _fill(self) -> None:
        for runtime in self._wanted():
            with ExitStack() as stack:
                warm = WarmBox(self.claim(stack), runtime, stack.pop_all())
            self._all.append(warm)
            self._start(warm)

    def _wanted(self) -> Iterator[str]:
        """Yield the runtimes of the boxes to add, the one with the fewest boxes first."""
        while not self._stopping and not self._used and self.size < self.most:
            if self.clock() < self._full_until:
                return
            counts = dict.fromkeys(self.runtimes, 0)
            for warm in self._all:
                counts[warm.runtime] += 1
            runtime = min(counts, key=lambda name: counts[name])
            if self.resident_kb + self._expected_kb(runtime) > self.budget_mb * _KB_PER_MB:
                return
            yield runtime

    def _start(self, warm: WarmBox) -> None:
        """Clean a box, start its interpreter, and offer it; one that fails leaves the pool."""
        try:
            warm.box.clean()
            warm.box.warm_up(self.runtimes[warm.runtime])
        except BaseException:
            self._drop(warm)
            raise
        warm.resident_kb, warm.is_measured = self._expected_kb(warm.runtime), False
        with self._changed:
            self._ready.setdefault(warm.runtime, deque()).append(warm)

    def _expected_kb(self, runtime: str) -> int:
        return self._typical_kb.get(runtime, _ASSUMED_KB)

    def _measure(self) -> None:
        """Measure the boxes that have been idle for a while, and end those above the budget."""
        if not self._is_quiet:
            return
        for warm in self._idle():
            if not warm.is_measured:
                warm.resident_kb, warm.is_measured = warm.box.resident_kb(), True
                typical_kb = max(self._typical_kb.get(warm.runtime, 0), warm.resident_kb)
                self._typical_kb[warm.runtime] = typical_kb
        while self.resident_kb > self.budget_mb * _KB_PER_MB:
            with self._changed:
                idle = max(self._ready.values(), key=len, default=deque[WarmBox]())
                if not idle:
                    return
                warm = idle.pop()
            self.log.info("Warm pool is above its budget", resident_kb=self.resident_kb)
            self._drop(warm)

    def _idle(self) -> list[WarmBox]:
        with self._changed:
            return [warm for ready in self._ready.values() for warm in ready]

    def _drop(self, warm: WarmBox) -> None:
        """End a box and all its processes."""
        with self._changed:
            self._all.remove(warm)
            for ready in self._ready.values():
                with suppress(ValueError):
                    ready.remove(warm)
        warm.release.close()
