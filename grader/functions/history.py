"""The last successful runs of functions, read at most every 30 s for each function."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic

from grader.errors import GraderError
from grader.functions.memory_tip import MOST_RUNS
from grader.logs import Logger
from grader.ports.functions import FunctionHistory

_FRESH_SECONDS = 30.0
_MOST_FUNCTIONS = 1024


@dataclass
class _Known:
    read_at: float
    peaks_mb: deque[int]


@dataclass(frozen=True)
class RecentPeaks:
    """
    Peak memory of the last successful runs of each function; thread-safe.

    Args:
        history: The table of jobs; None: only the runs of this worker count.
        log: Log of the worker.
        clock: Monotonic seconds.
    """

    history: FunctionHistory | None
    log: Logger
    clock: Callable[[], float] = monotonic
    _known: OrderedDict[str, _Known] = field(default_factory=OrderedDict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, function_id: str, peak_mb: int) -> Sequence[int]:
        """Add the peak of a run that just succeeded, in MB; returns those of the last ones."""
        now = self.clock()
        with self._lock:
            known = self._known.get(function_id)
        if known is None or now - known.read_at > _FRESH_SECONDS:
            read = self._read(function_id)
            if read is None:  # the runs of this worker are better than nothing
                read = [] if known is None else list(known.peaks_mb)
            known = _Known(now, deque(read, maxlen=MOST_RUNS))
        with self._lock:
            known.peaks_mb.appendleft(peak_mb)
            self._known[function_id] = known
            self._known.move_to_end(function_id)
            while len(self._known) > _MOST_FUNCTIONS:
                self._known.popitem(last=False)
            return list(known.peaks_mb)

    def _read(self, function_id: str) -> Sequence[int] | None:
        """Read the table; None if it cannot be read, since a run does not depend on that."""
        if self.history is None:
            return None
        try:
            return self.history.peaks_mb(function_id, MOST_RUNS - 1)
        except GraderError as error:
            self.log.warning("Last runs not read", function_id=function_id, reason=str(error))
            return None
