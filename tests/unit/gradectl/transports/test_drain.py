"""Tests for `gradectl.transports.drain`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest
from unsearchable_queues import UnsearchableBroker

from gradectl.errors import TryAgainError
from gradectl.queues.journal import Journal, open_journal
from gradectl.queues.testing import MemoryBroker
from gradectl.transports.drain import Drain, Drained, hints, read_counts
from gradectl.transports.draining import QueueCount
from grader.contract.names import QUEUES, TransportName

REQUESTS, RESULTS, DEAD = "grading-requests", "grading-results", "grading-dlq"
MQ = TransportName.ACTIVEMQ


class World:
    """Two transports in memory; each round of a drain takes ten seconds."""

    def __init__(self, journal: Journal) -> None:
        self.old: MemoryBroker = MemoryBroker()
        self.new = MemoryBroker()
        self.rounds: list[Drained] = []
        self.moved: Counter[str] = Counter()
        self.opened = 0
        self.meanwhile: Callable[[int], None] = lambda _number: None
        self._journal = journal

    def drain(self, most: int = 100, quiet_seconds: float = 60) -> Drained:
        """Drain the old transport, in at most so many rounds."""
        numbers, seconds = count(1), count(0, 5)

        def pause() -> bool:
            number = next(numbers)
            self.meanwhile(number)
            return number < most

        run = Drain(
            self.old, lambda: self.new, self._open, quiet_seconds, self._record, pause,
            lambda: float(next(seconds)), self.moved,
        )  # fmt: skip
        return run.run(MQ)

    def _record(self, drained: Drained) -> None:
        self.rounds.append(replace(drained))

    def _open(self) -> Journal:
        self.opened += 1
        return self._journal

    def left(self) -> int:
        """Messages in the old transport."""
        return sum(each.total for each in read_counts(self.old).values())


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Two empty transports."""
    with open_journal(tmp_path, "switch") as journal:
        yield World(journal)


def test_a_drain_ends_when_the_workers_have_consumed_everything(world: World) -> None:
    """Not before the quiet time is over."""
    for number in range(3):
        world.old.send(REQUESTS, b"{}", {"correlation-id": f"{number}"})
    world.meanwhile = lambda number: world.old.take(REQUESTS, f"{number - 1}") and None

    drained = world.drain()

    assert not drained.arrived
    assert drained.quiet_seconds is not None
    assert drained.quiet_seconds >= 60
    assert world.opened == 0, "nothing was moved, so there is no journal"


def test_results_and_dead_letters_are_moved(world: World) -> None:
    """A program that listens to the new transport gets them there."""
    world.old.send(RESULTS, b"1", {})
    world.old.send(DEAD, b"2", {"x-gradectl-reason": "why"})

    world.drain()

    assert world.moved == {RESULTS: 1, DEAD: 1}
    assert not world.left()
    (dead,) = world.new.messages(DEAD)
    assert dead.headers["x-gradectl-reason"] == "why"


def test_results_that_come_during_the_drain_are_moved_at_once(world: World) -> None:
    """Nobody has to wait for them until the last request is graded."""
    world.old.send(REQUESTS, b"{}", {"correlation-id": "1"})

    def grade(number: int) -> None:
        if number == 2:
            world.old.send(RESULTS, b"1", {})
        if number == 4:
            assert world.moved == {RESULTS: 1}
            world.old.take(REQUESTS, "1")

    world.meanwhile = grade

    world.drain()


def test_results_with_a_consumer_are_left_to_it_for_the_quiet_time(world: World) -> None:
    """A program that still listens to the old transport gets its results there."""
    world.old.send(RESULTS, b"1", {})
    with world.old.watch(RESULTS, "another"):
        world.drain()

    waited = [each for each in world.rounds if each.counts[RESULTS].waiting]
    assert len(waited) > 3
    assert world.moved == {RESULTS: 1}


def test_results_whose_consumers_are_not_counted_wait_for_the_quiet_time(world: World) -> None:
    """An unknown number of consumers is not none; dead letters have no consumer anywhere."""
    world.old = UnsearchableBroker()
    world.old.send(RESULTS, b"1", {})
    world.old.send(DEAD, b"2", {})

    world.drain()

    waited = [[each.counts[queue].waiting for each in world.rounds] for queue in (RESULTS, DEAD)]
    assert [sum(each) > 3 for each in waited] == [True, False]
    assert world.moved == {RESULTS: 1, DEAD: 1}


def test_a_producer_of_the_old_transport_keeps_it(world: World) -> None:
    """The error names the queue and what to do."""

    def send(number: int) -> None:
        world.old.send(REQUESTS, b"{}", {"correlation-id": f"{number}"})
        world.old.take(REQUESTS, f"{number}")

    world.meanwhile = send

    with pytest.raises(TryAgainError, match="ActiveMQ is not empty and unused") as caught:
        world.drain(most=30)

    assert "29 new requests came into grading-requests of ActiveMQ" in caught.value.next_step
    assert caught.value.next_step.endswith("let it send to Amazon SQS")


def test_a_request_that_still_waits_names_its_producer(world: World) -> None:
    """Its id leads to the row and the bucket, and these to the program."""
    world.meanwhile = lambda _number: world.old.send(REQUESTS, b'{"requestId": "req_late"}', {})

    with pytest.raises(TryAgainError) as caught:
        world.drain(most=3)

    assert "2 new requests came into grading-requests of ActiveMQ, such as req_late" in (
        caught.value.next_step
    )


def test_requests_that_nobody_consumes_are_named() -> None:
    """No worker consumes both transports, or all of them are paused."""
    counts = {queue: QueueCount() for queue in QUEUES} | {REQUESTS: QueueCount(waiting=2)}
    drained = Drained(counts, {}, None, 40)

    assert hints(MQ, drained) == ["nothing has left grading-requests for 40 s"]


def test_a_consumer_of_old_results_is_named() -> None:
    """It may be a web tier that was not restarted."""
    counts = {queue: QueueCount() for queue in QUEUES}
    counts[RESULTS] = QueueCount(waiting=2, consumers=1)

    (hint,) = hints(MQ, Drained(counts))

    assert hint == "grading-results of ActiveMQ still has 1 consumers"
