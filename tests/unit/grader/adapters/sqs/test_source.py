"""The source of SQS: polls in flight, time in flight, failures, and what a job costs."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import suppress
from time import monotonic

import pytest
from memory_boto import MemoryBoto, refusal

from grader.adapters.sqs.client import SqsClient
from grader.adapters.sqs.source import SqsJobSource
from grader.errors import ConnectionLostError
from grader.ports.messages import Outgoing
from grader.testing import MemorySqsQueues

SOON = 10.0


class World:
    """Queues, a source on ``urgent`` and ``jobs``, and what the source calls."""

    def __init__(self, **options: int) -> None:
        self.shift = 0.0
        self.calls: Counter[str] = Counter()
        self.failing: dict[str, Exception] = {}
        self.hidden: list[float] = []
        self.hid = threading.Condition()
        self.polled = threading.Event()
        self.queues = MemorySqsQueues(now=self.now, on_call=self._on_call)
        boto = MemoryBoto(self.queues, on_hide=self._on_hide)
        self.client = SqsClient(boto, boto.urls)
        wanted = {"wait_seconds": 1} | options
        self.source = SqsJobSource(self.client, ["urgent", "jobs"], clock=self.now, **wanted)

    def now(self) -> float:
        """The time, which tests advance."""
        return monotonic() + self.shift

    def _on_call(self, call: str, queue: str) -> None:
        self.calls[call] += 1
        self.calls[f"{call} {queue}"] += 1
        error = self.failing.get(call) or self.failing.get(f"{call} {queue}")
        if error is not None:
            raise error

    def _on_hide(self, seconds: float) -> None:
        with self.hid:
            self.hidden.append(seconds)
            self.hid.notify_all()

    def await_hidden(self, seconds: float) -> None:
        """Wait for a change of a visibility timeout to this time."""
        with self.hid:
            assert self.hid.wait_for(lambda: seconds in self.hidden, SOON)


def await_closed(source: SqsJobSource) -> None:
    """Wait until the source refuses to receive."""
    with suppress(ConnectionLostError):
        while True:
            source.receive(0.01)


@pytest.fixture
def world() -> World:
    """Empty queues."""
    return World()


def test_a_message_that_comes_during_a_job_is_returned_after_a_second(world: World) -> None:
    """The poll was in flight when the job began; another worker gets the message."""
    assert world.source.receive(0.4) is None
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    world.queues.send(Outgoing("urgent", b"later"))

    world.await_hidden(0)

    assert job is not None
    assert [each.body for each in world.queues.waiting("urgent")] == [b"later"]


def test_a_message_that_comes_shortly_before_the_end_of_a_job_is_next(world: World) -> None:
    """It is held that long, and no call is spent on it."""
    assert world.source.receive(0.4) is None
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None
    world.queues.send(Outgoing("urgent", b"later"))

    world.source.settle(job, [])
    later = world.source.receive(SOON)

    assert later is not None
    assert (later.body, later.receives, world.hidden) == (b"later", 1, [])


def test_a_message_that_was_often_returned_is_kept_until_the_job_ends() -> None:
    """Busy workers would pass it around until the redrive policy takes it."""
    world = World(visibility_seconds=2)
    assert world.source.receive(0.4) is None
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None
    world.queues.send(Outgoing("elsewhere", b"often"))
    often = world.queues.receive("elsewhere", 100)
    assert often is not None
    world.queues.send(Outgoing("urgent", b"often"))
    world.queues._copies[-1].receives = 5

    world.await_hidden(2)
    world.source.settle(job, [])
    later = world.source.receive(SOON)

    assert later is not None
    assert (later.body, later.receives, 0 in world.hidden) == (b"often", 6, False)


def test_a_delivery_is_held_for_12_hours_at_most(world: World) -> None:
    """SQS makes it visible then, whatever is done; a job that long must not be settled."""
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None

    for _ in range(12 * 60):
        world.shift += 60
        held = world.source.extend(job)

    assert not held
    with pytest.raises(ConnectionLostError, match="no longer held"):
        world.source.settle(job, [Outgoing("answers", b"late")])
    assert world.queues.messages("answers") == []


def test_a_delivery_whose_time_is_over_is_not_settled(world: World) -> None:
    """Another worker may have it; it is asked for once more before anything is sent."""
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None
    world.shift = 130

    with pytest.raises(ConnectionLostError, match="no longer held"):
        world.source.settle(job, [Outgoing("answers", b"late")])

    assert world.queues.messages("answers") == []
    assert [each.body for each in world.queues.waiting("jobs")] == [b"job"]


def test_extending_a_delivery_that_another_worker_has_fails(world: World) -> None:
    """So that the worker ends the job."""
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None
    assert world.source.extend(job)
    world.queues.expire("jobs")
    world.queues.receive("jobs", 100)

    assert not world.source.extend(job)
    assert not world.source.extend(job)


@pytest.mark.parametrize("failing", ["send answers", "send dead", "delete"])
def test_a_settlement_that_fails_leaves_the_message(failing: str) -> None:
    """What was sent before is sent again; nothing is lost, and the next worker gets it at once."""
    world = World()
    source = SqsJobSource(world.client, ["jobs"], wait_seconds=1, dead_letter_queue="dead")
    world.queues.send(Outgoing("jobs", b"job"))
    job = source.receive(SOON)
    assert job is not None
    confirmed: list[bytes] = []
    world.failing = {failing: refusal("send", "RequestThrottled")}

    outgoing = [Outgoing("dead", b"job"), Outgoing("answers", b"failed")]
    source.settle(job, outgoing, lambda: confirmed.append(job.body))
    with pytest.raises(ConnectionLostError, match="SQS throttles"):
        source.confirm()
    world.failing = {}
    source.close()

    assert confirmed == []
    assert [each.body for each in world.queues.waiting("jobs")] == [b"job"]
    sent = [len(world.queues.messages(queue)) for queue in ("answers", "dead")]
    assert sent == {"send answers": [0, 0], "send dead": [1, 0], "delete": [1, 1]}[failing]


def test_a_poll_that_fails_during_a_job_does_not_keep_it_from_being_settled(world: World) -> None:
    """The error is raised by the next `receive`."""
    assert world.source.receive(0.4) is None
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None
    world.failing = {"receive": refusal("receive", "ServiceUnavailable")}
    world.queues.send(Outgoing("urgent", b"wakes the poll"))

    world.source.settle(job, [Outgoing("answers", b"done")])
    world.source.confirm()

    assert len(world.queues.messages("answers")) == 1
    with pytest.raises(ConnectionLostError):
        world.source.receive(SOON)


@pytest.mark.parametrize(
    "code",
    [
        "QueueDoesNotExist",
        "AWS.SimpleQueueService.NonExistentQueue",
        "RequestThrottled",
        "AccessDenied",
    ],
)
def test_an_error_of_a_poll_is_raised_to_the_consumer(world: World, code: str) -> None:
    """What is taken away while the worker runs may come back, a queue as well as a right."""
    world.failing = {"receive jobs": refusal("receive", code)}

    with pytest.raises(ConnectionLostError, match="ReceiveMessage: refused"):
        world.source.receive(SOON)


def test_what_a_poll_in_flight_brings_at_the_end_is_returned(world: World) -> None:
    """It would stay hidden for the visibility timeout if the process ended."""
    world.source = SqsJobSource(world.client, ["urgent", "jobs"], wait_seconds=20)
    assert world.source.receive(0.4) is None
    closing = threading.Thread(target=world.source.close)
    closing.start()
    await_closed(world.source)

    world.queues.send(Outgoing("jobs", b"late"))
    world.queues.send(Outgoing("urgent", b"late too"))
    closing.join(SOON)

    assert not closing.is_alive()
    assert [len(world.queues.waiting(name)) for name in ("jobs", "urgent")] == [1, 1]
    again = [world.queues.receive(name, 1) for name in ("jobs", "urgent")]
    assert [each and each.receives for each in again] == [2, 2]


def test_a_short_job_costs_hardly_more_than_three_requests(world: World) -> None:
    """A receipt, a result and a deletion; the urgent queue is polled once a second."""
    for number in range(200):
        world.queues.send(Outgoing("jobs", b"%d" % number))
    world.calls.clear()

    for _ in range(200):
        job = world.source.receive(SOON)
        assert job is not None
        world.source.settle(job, [Outgoing("answers", job.body)])
    world.source.confirm()

    total = sum(world.calls[call] for call in ("receive", "send", "delete", "hide"))
    assert total <= 3.2 * 200


def test_an_idle_source_has_one_poll_in_flight_for_each_queue(world: World) -> None:
    """More would cost money, and bring messages that wait."""
    world.source = SqsJobSource(world.client, ["urgent", "jobs"], wait_seconds=20)
    others = set(threading.enumerate())

    for _ in range(20):
        assert world.source.receive(0.05) is None

    names = [thread.name for thread in set(threading.enumerate()) - others]
    assert [names.count(f"sqs-poll-{queue}") for queue in ("urgent", "jobs")] == [1, 1]
    world.queues.send(Outgoing("urgent", b"1"))  # ends the polls
    world.queues.send(Outgoing("jobs", b"2"))
    world.source.close()


def test_a_postponed_message_comes_within_12_hours_of_its_receipt(world: World) -> None:
    """SQS refuses a longer delay; an earlier attempt is better than none."""
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None
    world.shift = 100

    world.source.postpone(job, Outgoing("jobs", b"", delay_ms=50_000_000))
    world.source.confirm()

    (seconds,) = world.hidden
    assert 43_000 < seconds < 43_100


def test_dead_letters_are_sent_after_the_result(world: World) -> None:
    """A crash between the two leaves a message that is answered again."""
    order: list[str] = []
    source = SqsJobSource(world.client, ["jobs"], wait_seconds=1, dead_letter_queue="dead")
    world.queues.send(Outgoing("jobs", b"job"))
    job = source.receive(SOON)
    assert job is not None
    world.queues.on_call = lambda call, queue: order.append(f"{call} {queue}")

    source.settle(job, [Outgoing("dead", b"job"), Outgoing("answers", b"failed")])
    source.confirm()

    assert order == ["send answers", "send dead", "delete jobs"]


def test_an_urgent_message_is_next_within_a_second_of_a_busy_consumer(world: World) -> None:
    """Although ordinary ones keep coming; after one the urgent queue is polled again at once."""
    for number in range(100):
        world.queues.send(Outgoing("jobs", b"%d" % number))
    first = world.source.receive(SOON)
    assert first is not None
    world.source.settle(first, [])
    for number in range(2):
        world.queues.send(Outgoing("urgent", b"%d" % number))

    order = []
    for _ in range(6):
        delivery = world.source.receive(SOON)
        assert delivery is not None
        order.append(delivery.queue)
        world.source.settle(delivery, [])
        world.shift += 0.3

    assert order == ["jobs"] * 4 + ["urgent"] * 2


def test_urgent_messages_without_end_do_not_starve_the_others(world: World) -> None:
    """One of ten is an ordinary one; without one waiting, urgent ones do not wait for it."""
    for number in range(40):
        world.queues.send(Outgoing("urgent", b"%d" % number))
    for number in range(2):
        world.queues.send(Outgoing("jobs", b"%d" % number))

    order = []
    for _ in range(40):
        delivery = world.source.receive(SOON)
        assert delivery is not None
        order.append(delivery.queue)
        world.source.settle(delivery, [])

    one_of_ten = ["urgent"] * 9 + ["jobs"]
    assert order == [*one_of_ten * 2, *["urgent"] * 20]


def test_a_purge_during_a_job_does_not_stop_its_result(world: World) -> None:
    """The message is gone, and the consumer goes on with the next one."""
    world.queues.send(Outgoing("jobs", b"job"))
    job = world.source.receive(SOON)
    assert job is not None
    world.queues.purge("jobs")

    world.source.settle(job, [Outgoing("answers", b"done")])
    world.queues.send(Outgoing("jobs", b"next"))
    following = world.source.receive(SOON)

    assert following is not None
    assert following.body == b"next"
    assert len(world.queues.messages("answers")) == 1


def test_an_abandoned_job_is_returned_when_its_process_has_ended() -> None:
    """A worker that has to end has five seconds for all its consumers; a job may write as long."""
    world = World()
    source = SqsJobSource(world.client, ["urgent", "jobs"], wait_seconds=20)
    assert source.receive(0.4) is None
    world.queues.send(Outgoing("jobs", b"job"))
    job = source.receive(SOON)
    assert job is not None

    closing = threading.Thread(target=source.close)
    began = monotonic()
    closing.start()
    closing.join(SOON)

    assert monotonic() - began < 5
    assert world.hidden == [10]
    with pytest.raises(ConnectionLostError):
        source.settle(job, [])
    world.shift = 10
    assert [each.body for each in world.queues.waiting("jobs")] == [b"job"]
    world.queues.send(Outgoing("urgent", b"ends the poll"))
