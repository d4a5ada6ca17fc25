"""What is looked at and prepared for, and what is left alone; tests/integration has the broker."""

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
    """Queues as a broker shows them: what is in flight comes first."""

    in_flight: dict[str, int] = field(default_factory=dict)
    content: dict[str, list[QueuedMessage]] = field(default_factory=dict)
    peeked: list[tuple[str, int]] = field(default_factory=list)

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Count."""
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
        """Show everything, which looking ahead must never ask for."""
        raise AssertionError(f"{queue} {selector} was browsed as a whole")

    def peek(self, queue: str, count: int) -> list[QueuedMessage]:
        """Show the first."""
        self.peeked.append((queue, count))
        return self.content[queue][:count]

    @contextmanager
    def opened(self) -> Iterator[QueueInspector]:
        """Give this as a way into the queues."""
        yield self


@dataclass
class Bench:
    """A look-ahead whose prepared bodies are kept."""

    queues: Queues
    stopping: threading.Event
    log: Logger
    prepared: list[bytes] = field(default_factory=list)
    active: ActiveJobs = field(default_factory=lambda: ActiveJobs(clock=lambda: 0.0))

    def make(self, count: int = 2) -> Prefetcher:
        """Build it."""
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
    """Two urgent messages, four ordinary ones, of which one is in work."""
    content = {
        "urgent": [queued("u1"), queued("u2")],
        "ordinary": [queued("o1"), queued("o2"), queued("o3"), queued("o4")],
    }
    return Bench(Queues({"ordinary": 1}, content), stopping, log)


@pytest.mark.parametrize(
    ("count", "prepared"),
    [(1, [b"u1"]), (2, [b"u1", b"u2"]), (4, [b"u1", b"u2", b"o2", b"o3"])],
)
def test_the_first_that_wait_are_prepared_the_most_urgent_first(
    bench: Bench, count: int, prepared: list[bytes]
) -> None:
    """No more than asked for over all queues, and not the one that is in work."""
    bench.make(count).look(bench.queues)

    assert bench.prepared == prepared


def test_no_more_is_read_than_is_in_flight_and_wanted(bench: Bench) -> None:
    """However many messages wait."""
    bench.queues.content["ordinary"] += [queued(str(number)) for number in range(10_000)]

    bench.make(4).look(bench.queues)

    assert bench.queues.peeked == [("urgent", 4), ("ordinary", 3)]


def test_an_empty_or_absent_queue_is_not_looked_into(bench: Bench) -> None:
    """Looking would create one that does not exist."""
    del bench.queues.content["urgent"]
    bench.queues.content["ordinary"] = [queued("o1")]  # the one that is in work

    bench.make().look(bench.queues)

    assert bench.queues.peeked == []


def test_a_queue_that_many_work_on_is_not_read(bench: Bench) -> None:
    """The next message is most likely another worker's, and all would read far to see it."""
    bench.queues.in_flight["ordinary"] = 15
    bench.queues.content["ordinary"] = [queued(str(number)) for number in range(20)]

    bench.make(4).look(bench.queues)

    assert bench.prepared == [b"u1", b"u2"]


def test_many_slots_of_our_own_are_no_reason_to_stop_reading(bench: Bench) -> None:
    """One of them gets the next message."""
    bench.queues.in_flight["ordinary"] = 15
    bench.queues.content["ordinary"] = [queued(str(number)) for number in range(20)]
    for number in range(15):
        bench.active.begin(f"slot-{number}")

    bench.make(4).look(bench.queues)

    assert bench.prepared == [b"u1", b"u2", b"15", b"16"]


def test_a_message_is_prepared_for_once(bench: Bench) -> None:
    """It waits for as long as it waits."""
    prefetcher = bench.make()
    prefetcher.look(bench.queues)
    bench.queues.content["urgent"].append(queued("u3"))
    del bench.queues.content["urgent"][0]

    prefetcher.look(bench.queues)

    assert bench.prepared == [b"u1", b"u2", b"u3"]


@pytest.mark.parametrize(
    ("error", "warnings"), [(RequestError("CODE", "no request"), 0), (KeyError("bug"), 1)]
)
def test_what_fails_is_passed_over(
    bench: Bench, log_stream: io.StringIO, error: Exception, warnings: int
) -> None:
    """The request's own turn will say what is wrong with it; a handler's mistake is told."""

    def prepare(body: bytes) -> None:
        bench.prepared.append(body)
        if body == b"u1":
            raise error

    replace(bench.make(), prepare=prepare).look(bench.queues)

    assert bench.prepared == [b"u1", b"u2"]
    assert log_stream.getvalue().count("WARNING") == warnings


def test_nothing_is_prepared_for_once_the_worker_stops(bench: Bench) -> None:
    """Its successor will fetch for itself."""
    bench.stopping.set()

    bench.make().look(bench.queues)

    assert bench.prepared == []


def test_preparing_that_is_cut_short_by_the_end_is_no_mistake(
    bench: Bench, log_stream: io.StringIO
) -> None:
    """The worker does not wait for it, so what it works with may be gone."""

    def prepare(body: bytes) -> None:
        bench.stopping.set()
        raise OSError(f"the directory for {body!r} is gone")

    replace(bench.make(), prepare=prepare).look(bench.queues)

    assert log_stream.getvalue() == ""


def test_short_jobs_cause_no_look(bench: Bench) -> None:
    """Until a job has run for a while no connection is opened, and then it is."""
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
    running.begin("slot")
    asked.clear()
    prefetcher = replace(bench.make(), active=running, open_inspector=open_inspector)
    with prefetcher.in_background():
        assert asked.wait(WAIT_SECONDS)
        assert not opened.is_set()
        seconds[0] = 1.0
        assert opened.wait(WAIT_SECONDS)
        bench.stopping.set()


def test_the_longest_running_job_counts() -> None:
    """One slot is enough, and an idle one does not count."""
    seconds = [0.0]
    running = ActiveJobs(clock=lambda: seconds[0])
    idle = running.longest_seconds()
    for slot in ("a", "b"):
        running.begin(slot)
        seconds[0] += 1.0
    both = (running.longest_seconds(), running.count())
    running.end("a")

    assert (idle, both) == (0.0, (2.0, 2))
    assert (running.longest_seconds(), running.count()) == (1.0, 1)


@pytest.mark.parametrize("error", [ConnectionLostError("refused"), KeyError("strange answer")])
def test_a_broker_that_cannot_be_asked_is_said_once(
    bench: Bench, log_stream: io.StringIO, error: Exception
) -> None:
    """It is tried again much later, and jobs know nothing of it."""
    tries: list[int] = []

    def refuse() -> AbstractContextManager[QueueInspector]:
        tries.append(1)
        if len(tries) == 3:
            bench.stopping.set()
        raise error

    waits = Waits(bench.stopping)
    running = ActiveJobs(clock=ticking())
    running.begin("slot")
    replace(bench.make(), open_inspector=refuse, active=running, stopping=waits).run()

    assert len(tries) == 3
    assert waits.longest == 30.0
    assert log_stream.getvalue().count("Cannot look ahead") == 1


def ticking() -> Callable[[], float]:
    """A clock on which every job runs for long."""
    seconds = iter(range(1_000))
    return lambda: float(next(seconds))


class Waits(threading.Event):
    """Waits for nothing, and notes for how long it should have."""

    def __init__(self, event: threading.Event) -> None:
        """`event` tells whether it is set."""
        super().__init__()
        self._event = event
        self.longest = 0.0

    def is_set(self) -> bool:
        """Tell."""
        return self._event.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        """Tell at once."""
        self.longest = max(self.longest, timeout or 0.0)
        return self.is_set()
