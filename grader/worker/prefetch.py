"""
Prefetches for waiting requests while a job runs.

Messages are browsed, not consumed: a browser on its own connection reads the first few of a queue
and disconnects, so no message is held or marked. The cost for the broker does not depend on the
length of the queue. While jobs are short no queue is browsed: a browse would cost more than
prefetching gains.
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

#: Prefetching starts once a job has run for this long.
_LONG_JOB_SECONDS = 0.2
_CHECK_SECONDS = 0.1
#: Between two browses, so that many workers do not overload a small broker.
_PAUSE_SECONDS = 1.0
_PAUSE_AFTER_FAILURE_SECONDS = 30.0
#: A browse lists messages in flight first. When other workers hold more than this, the next message
#: most likely goes to them, and reading past theirs costs the broker more than prefetching gains.
_MOST_WITH_OTHERS = 14
_REMEMBERED = 64
_JOIN_SECONDS = 2.0


@dataclass(frozen=True)
class Prefetcher:
    """
    Lets a handler prepare for the next requests while a job runs.

    Args:
        queues: The request queues, the priority queue first.
        count: Most waiting messages to prepare for in one browse.
        active: The running jobs.
        open_inspector: Opens an inspector, on first use; raises `GraderError`.
        prepare: Prefetches for a message body.
        stopping: Set when the worker shuts down.
        log: Log of the worker.
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
        """Prefetch on a background thread while the block runs."""
        thread = threading.Thread(target=self.run, name="prefetch", daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(_JOIN_SECONDS)

    def run(self) -> None:
        """Prefetch until shutdown; after an error, continue after 30 s."""
        failed = False
        pause = 0.0
        while self._await_long_job(pause):
            try:
                with self.open_inspector() as inspector:
                    self.prefetch(inspector)
                    failed = False
                    while self._await_long_job(_PAUSE_SECONDS):
                        self.prefetch(inspector)
            except Exception as error:  # jobs do not depend on prefetching
                if not failed:
                    expected = isinstance(error, GraderError)
                    self.log.warning(
                        "Prefetching failed, jobs continue without it",
                        reason=str(error),
                        exc_info=None if expected else error,
                    )
                failed = True
            pause = _PAUSE_AFTER_FAILURE_SECONDS

    def prefetch(self, inspector: QueueInspector) -> None:
        """Prepare for the first waiting messages; raises as `inspector` does."""
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
        except GraderError as error:  # reported when the request itself is processed
            self.log.debug("Not prepared", message_id=message.message_id, reason=str(error))
        except Exception:  # a bug of the handler, which must not affect jobs
            if not self.stopping.is_set():  # else its resources may be closed already
                self.log.warning("Preparing failed", message_id=message.message_id, exc_info=True)

    def _await_long_job(self, pause_seconds: float) -> bool:
        """Wait for `pause_seconds`, then for a long job; False on shutdown."""
        if self.stopping.wait(pause_seconds):
            return False
        while self.active.longest_seconds() < _LONG_JOB_SECONDS:
            if self.stopping.wait(_CHECK_SECONDS):
                return False
        return True
