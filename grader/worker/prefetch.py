"""
Fetching what waiting requests will need while a job runs.

The messages are only looked at: a browser asks for the first few of a queue and leaves, on a
connection of its own, so none is consumed, held or marked, whoever gets it afterwards.  That costs
the broker the same however many wait.  Nothing is looked at while jobs are short: fetching ahead
would gain less than looking costs.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

from grader.errors import GraderError
from grader.logs import Logger
from grader.ports.messages import QueuedMessage, QueueInspector
from grader.worker.activity import ActiveJobs

#: A job that runs for this long is worth a look.
_LONG_JOB_SECONDS = 0.2
_GLANCE_SECONDS = 0.1
#: Between two looks, so that many workers do not keep a small broker busy with being looked at.
_PAUSE_SECONDS = 1.0
_PAUSE_AFTER_FAILURE_SECONDS = 30.0
#: A browse shows first what is with consumers.  When others have more than this, the next message
#: most likely goes to them too, and all of us reading so far costs the broker more than we gain.
_MOST_WITH_OTHERS = 14
_REMEMBERED = 64
_FAREWELL_SECONDS = 2.0


@dataclass(frozen=True)
class Prefetcher:
    """
    Has the next requests prepared while a job runs.

    Args:
        queues: To look into, the most urgent first.
        count: Waiting messages to prepare for at a time.
        active: Tells how long jobs have been running.
        open_inspector: Opens a way into the queues, when it is needed first; raises `GraderError`.
        prepare: Gets the body of a waiting message.
        stopping: Set when the worker stops.
        log: Where events go.
    """

    queues: Sequence[str]
    count: int
    active: ActiveJobs
    open_inspector: Callable[[], AbstractContextManager[QueueInspector]]
    prepare: Callable[[bytes], None]
    stopping: threading.Event
    log: Logger
    _known: deque[str] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    @contextmanager
    def in_background(self) -> Iterator[None]:
        """Look ahead on a thread of its own for as long as the block runs and is not stopping."""
        thread = threading.Thread(target=self.run, name="look-ahead", daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(_FAREWELL_SECONDS)

    def run(self) -> None:
        """Look ahead until told to stop; whatever fails is tried again much later."""
        failed = False
        pause = 0.0
        while self._await_long_job(pause):
            try:
                with self.open_inspector() as inspector:
                    self.look(inspector)
                    failed = False
                    while self._await_long_job(_PAUSE_SECONDS):
                        self.look(inspector)
            except Exception as error:  # jobs need none of this
                if not failed:
                    ours = isinstance(error, GraderError)
                    self.log.warning(
                        "Cannot look ahead, jobs go on without",
                        reason=str(error),
                        exc_info=None if ours else error,
                    )
                failed = True
            pause = _PAUSE_AFTER_FAILURE_SECONDS

    def look(self, inspector: QueueInspector) -> None:
        """Have the first waiting messages prepared; raises what `inspector` does."""
        for message in self._waiting(inspector):
            if self.stopping.is_set():
                return
            if message.message_id not in self._known:
                self._known.append(message.message_id)
                self._prepare(message)

    def _waiting(self, inspector: QueueInspector) -> Iterator[QueuedMessage]:
        counters = inspector.statistics(self.queues)
        wanted = self.count
        for queue in self.queues:
            known = counters.get(queue)
            if wanted <= 0 or known is None or not known.waiting:
                continue
            if known.in_flight - self.active.count() <= _MOST_WITH_OTHERS:
                page = inspector.peek(queue, known.in_flight + wanted)[known.in_flight :]
                wanted -= len(page)
                yield from page

    def _prepare(self, message: QueuedMessage) -> None:
        try:
            self.prepare(message.body)
        except GraderError as error:  # it is told when it is that request's turn
            self.log.debug("Not prepared", message_id=message.message_id, reason=str(error))
        except Exception:  # a handler's own mistake, which must hurt nothing
            if not self.stopping.is_set():  # else what it works with may be closed already
                self.log.warning("Preparing failed", message_id=message.message_id, exc_info=True)

    def _await_long_job(self, pause_seconds: float) -> bool:
        """Wait for as long as told, then for a job that runs for long; False: the worker stops."""
        if self.stopping.wait(pause_seconds):
            return False
        while self.active.longest_seconds() < _LONG_JOB_SECONDS:
            if self.stopping.wait(_GLANCE_SECONDS):
                return False
        return True
