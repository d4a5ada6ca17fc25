"""Which messages are prefetched for; tests/integration uses a real broker."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace

import pytest

from grader.errors import ConnectionLostError, RequestError
from grader.logs import Logger
from grader.ports.messages import QueuedMessage, QueueInspector, QueueStatistics
from grader.worker.activity import ActiveJobs
from grader.worker.prefetch import Prefetcher

WAIT_SECONDS = 10.0


def queued(name: str) -> QueuedMessage:
    """A message whose body is its name."""
    return QueuedMessage(f"ID:{name}", 0, name.encode())


@dataclass
class Queues:
    """Queues as a broker lists them: messages in flight first."""

    in_flight: dict[str, int] = field(default_factory=dict)
    content: dict[str, list[QueuedMessage]] = field(default_factory=dict)
    peeked: list[tuple[str, int]] = field(default_factory=list)

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Return the counters."""
        return {
            name: QueueStatistics(
                queue=name,
                size=len(self.content[name]),
                in_flight=self.in_flight.get(name, 0),
                consumers=1,
                producers=0,
                enqueued=0,
                dequeued=0,
                expired=0,
                taken_at_ms=0,
            )
            for name in queues
            if name in self.content
        }

    def browse(self, queue: str, selector: str = "") -> list[QueuedMessage]:
        """Fail: prefetching must not read whole queues."""
        raise AssertionError(f"{queue} {selector} was browsed as a whole")

    def peek(self, queue: str, count: int, selector: str = "") -> list[QueuedMessage]:  # noqa: ARG002 - the port's
        """Return the first messages."""
        self.peeked.append((queue, count))
        return self.content[queue][:count]

    @contextmanager
    def opened(self) -> Iterator[QueueInspector]:
        """Open an inspector."""
        yield self


@dataclass
class Bench:
    """Prefetchers that record the prepared bodies."""

    queues: Queues
    stopping: threading.Event
    log: Logger
    prepared: list[bytes] = field(default_factory=list)
    active: ActiveJobs = field(default_factory=lambda: ActiveJobs(clock=lambda: 0.0))

    def make(self, count: int = 2) -> Prefetcher:
        """Create a prefetcher."""
        return Prefetcher(
            queues=("urgent", "ordinary"),
            count=count,
            active=self.active,
            open_inspector=self.queues.opened,
            prepare=self.prepared.append,
            stopping=self.stopping,
            log=self.log,
        )


@pytest.fixture
def bench(stopping: threading.Event, log: Logger) -> Bench:
    """Two urgent messages and four ordinary ones, one of them in flight."""
    content = {
        "urgent": [queued("u1"), queued("u2")],
        "ordinary": [queued("o1"), queued("o2"), queued("o3"), queued("o4")],
    }
    return Bench(Queues({"ordinary": 1}, content), stopping, log)


@pytest.mark.parametrize(
    ("count", "prepared"),
    [(1, [b"u1"]), (2, [b"u1", b"u2"]), (4, [b"u1", b"u2", b"o2", b"o3"])],
)
def test_the_first_waiting_messages_are_prepared_urgent_ones_first(
    bench: Bench, count: int, prepared: list[bytes]
) -> None:
    """At most `count` over all queues, and none that is in flight."""
    bench.make(count).prefetch(bench.queues)

    assert bench.prepared == prepared


def test_no_more_is_read_than_is_in_flight_and_wanted(bench: Bench) -> None:
    """The length of the queue does not matter."""
    bench.queues.content["ordinary"] += [queued(str(number)) for number in range(10_000)]

    bench.make(4).prefetch(bench.queues)

    assert bench.queues.peeked == [("urgent", 4), ("ordinary", 3)]


def test_an_empty_or_missing_queue_is_not_browsed(bench: Bench) -> None:
    """Browsing would create a missing queue."""
    del bench.queues.content["urgent"]
    bench.queues.content["ordinary"] = [queued("o1")]  # the one in flight

    bench.make().prefetch(bench.queues)

    assert bench.queues.peeked == []


def test_a_queue_with_many_messages_in_flight_is_not_browsed(bench: Bench) -> None:
    """Its next message most likely goes to another worker."""
    bench.queues.in_flight["ordinary"] = 15
    bench.queues.content["ordinary"] = [queued(str(number)) for number in range(20)]

    bench.make(4).prefetch(bench.queues)

    assert bench.prepared == [b"u1", b"u2"]


def test_messages_in_flight_at_this_worker_do_not_count(bench: Bench) -> None:
    """One of its consumers gets the next message."""
    bench.queues.in_flight["ordinary"] = 15
    bench.queues.content["ordinary"] = [queued(str(number)) for number in range(20)]
    for number in range(15):
        bench.active.begin(f"consumer-{number}")

    bench.make(4).prefetch(bench.queues)

    assert bench.prepared == [b"u1", b"u2", b"15", b"16"]


def test_a_message_is_prepared_for_once(bench: Bench) -> None:
    """However often it is browsed."""
    prefetcher = bench.make()
    prefetcher.prefetch(bench.queues)
    bench.queues.content["urgent"].append(queued("u3"))
    del bench.queues.content["urgent"][0]

    prefetcher.prefetch(bench.queues)

    assert bench.prepared == [b"u1", b"u2", b"u3"]


@pytest.mark.parametrize(
    ("error", "warnings"), [(RequestError("CODE", "no request"), 0), (KeyError("bug"), 1)]
)
def test_failing_preparation_is_skipped(
    bench: Bench, log_stream: io.StringIO, error: Exception, warnings: int
) -> None:
    """An invalid request is reported when it is processed; a bug of the handler is logged."""

    def prepare(body: bytes) -> None:
        bench.prepared.append(body)
        if body == b"u1":
            raise error

    replace(bench.make(), prepare=prepare).prefetch(bench.queues)

    assert bench.prepared == [b"u1", b"u2"]
    assert log_stream.getvalue().count("WARNING") == warnings


def test_nothing_is_prepared_after_shutdown(bench: Bench) -> None:
    """Another worker will get the messages."""
    bench.stopping.set()

    bench.make().prefetch(bench.queues)

    assert bench.prepared == []


def test_preparation_that_fails_on_shutdown_is_not_logged(
    bench: Bench, log_stream: io.StringIO
) -> None:
    """The worker does not wait for it, so its resources may be closed."""

    def prepare(body: bytes) -> None:
        bench.stopping.set()
        raise OSError(f"the directory for {body!r} is gone")

    replace(bench.make(), prepare=prepare).prefetch(bench.queues)

    assert log_stream.getvalue() == ""


def test_short_jobs_cause_no_browse(bench: Bench) -> None:
    """The connection is opened once a job has run for a while."""
    asked = threading.Event()
    opened = threading.Event()
    seconds = [0.0]

    def clock() -> float:
        asked.set()
        return seconds[0]

    @contextmanager
    def open_inspector() -> Iterator[QueueInspector]:
        opened.set()
        yield bench.queues

    running = ActiveJobs(clock=clock)
    running.begin("consumer")
    asked.clear()
    prefetcher = replace(bench.make(), active=running, open_inspector=open_inspector)
    with prefetcher.in_background():
        assert asked.wait(WAIT_SECONDS)
        assert not opened.is_set()
        seconds[0] = 1.0
        assert opened.wait(WAIT_SECONDS)
        bench.stopping.set()


def test_the_longest_running_job_counts() -> None:
    """An idle consumer does not count."""
    seconds = [0.0]
    running = ActiveJobs(clock=lambda: seconds[0])
    idle = running.longest_seconds()
    for consumer in ("a", "b"):
        running.begin(consumer)
        seconds[0] += 1.0
    both = (running.longest_seconds(), running.count())
    running.end("a")

    assert (idle, both) == (0.0, (2.0, 2))
    assert (running.longest_seconds(), running.count()) == (1.0, 1)


@pytest.mark.parametrize("error", [ConnectionLostError("refused"), KeyError("strange answer")])
def test_an_unreachable_broker_is_logged_once(
    bench: Bench, log_stream: io.StringIO, error: Exception
) -> None:
    """It is retried after 30 s, and jobs are not affected."""
    tries: list[int] = []

    def refuse() -> AbstractContextManager[QueueInspector]:
        tries.append(1)
        if len(tries) == 3:
            bench.stopping.set()
        raise error

    waits = Waits(bench.stopping)
    running = ActiveJobs(clock=ticking())
    running.begin("consumer")
    replace(bench.make(), open_inspector=refuse, active=running, stopping=waits).run()

    assert len(tries) == 3
    assert waits.longest == 30.0
    assert log_stream.getvalue().count("Prefetching failed") == 1


def ticking() -> Callable[[], float]:
    """A clock that makes every job long."""
    seconds = iter(range(1_000))
    return lambda: float(next(seconds))


class Waits(threading.Event):
    """Returns at once from `wait`, and records the longest timeout."""

    def __init__(self, event: threading.Event) -> None:
        """Take the state from `event`."""
        super().__init__()
        self._event = event
        self.longest = 0.0

    def is_set(self) -> bool:
        """Return the state of the event."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Record the timeout."""
        self.longest = max(self.longest, timeout or 0.0)
        return self.is_set()
