"""Holding messages of SQS, on an emulated account in this process."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from gradectl.adapters.aws.queues import Queues
from gradectl.adapters.sqs_held import HOLD_SECONDS, HeldMessages
from gradectl.errors import GradectlError, StoppedError
from gradectl.local.control_plane.patch_sqs import patch_sqs
from grader.adapters.sqs.client import SqsClient
from grader.ports.messages import Outgoing

REGION, QUEUE = "ap-northeast-2", "grading-dlq"


class Clock:
    """A clock that tests advance."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


class SharedQueue:
    """A queue with messages, and what holds them."""

    def __init__(self, count: int) -> None:
        self.boto: Any = boto3.client("sqs", region_name=REGION)
        self.url = self.boto.create_queue(QueueName="dev-grading-dlq")["QueueUrl"]
        self.client = SqsClient(self.boto, {QUEUE: self.url})
        self.clock = Clock()
        self.held = HeldMessages(self.client, Queues(self.boto, None), QUEUE, clock=self.clock)
        for number in range(count):
            self.client.send(Outgoing(QUEUE, b"%d" % number))

    @property
    def ids(self) -> list[str]:
        """What is held."""
        return [each.message_id for each in self.held.messages()]

    def waiting(self) -> int:
        """Messages that others could receive."""
        return int(self.client.attributes(QUEUE)["ApproximateNumberOfMessages"])

    def others_take(self) -> None:
        """Another consumer receives what has become visible."""
        self.boto.receive_message(QueueUrl=self.url, MaxNumberOfMessages=10)


@pytest.fixture
def account() -> Iterator[None]:
    """An empty account, whose SQS has the rules of receipt handles."""
    patch_sqs()
    with mock_aws():
        yield


@pytest.mark.usefixtures("account")
def test_no_more_is_received_than_asked_for() -> None:
    """The others stay with their consumers."""
    queue = SharedQueue(25)
    seen: list[int] = []

    queue.held.fill(14, seen.append)

    assert (len(queue.ids), queue.waiting()) == (14, 11)
    assert seen[-1] == 14


class StoppedClient(SqsClient):
    """Receives messages, and lets a signal stop the main thread before their arrival is known."""

    main_thread = threading.main_thread().ident or 0
    is_stopped = threading.Event()

    def receive(self, *arguments: Any, **options: Any) -> Any:
        """Receive, and wait for the handler of the signal."""
        found = super().receive(*arguments, **options)
        signal.pthread_kill(self.main_thread, signal.SIGUSR1)
        assert self.is_stopped.wait(10)
        return found

    def stop(self, number: int, _frame: object) -> None:
        """Handle the signal as gradectl does."""
        self.is_stopped.set()
        raise StoppedError(number)


@pytest.mark.usefixtures("account")
def test_what_an_interrupted_call_receives_returns_too() -> None:
    """After Ctrl-C between the receipt of messages and the answer of SQS, none stays hidden."""
    queue = SharedQueue(12)
    client = StoppedClient(queue.boto, {QUEUE: queue.url})
    held = HeldMessages(client, Queues(queue.boto, None), QUEUE)

    before = signal.signal(signal.SIGUSR1, client.stop)
    try:
        with pytest.raises(StoppedError):
            held.fill(12, lambda _count: None)
    finally:
        signal.signal(signal.SIGUSR1, before)
        held.release()

    assert queue.waiting() == 12


@pytest.mark.usefixtures("account")
def test_a_message_whose_time_ends_is_not_moved() -> None:
    """Another consumer may have it by then, and its copy would be a second message."""
    queue = SharedQueue(3)
    queue.held.fill(10, lambda _count: None)

    queue.clock.now = HOLD_SECONDS / 2
    before = queue.held.safe(queue.ids)
    queue.clock.now = HOLD_SECONDS - 10
    late = queue.held.safe(queue.ids)
    queue.held.renew()
    renewed = queue.held.safe(queue.ids)

    assert (len(before), len(late), len(renewed)) == (3, 0, 3)


@pytest.mark.usefixtures("account")
def test_a_message_that_another_consumer_has_is_forgotten() -> None:
    """A renewal finds out."""
    queue = SharedQueue(3)
    queue.held.fill(10, lambda _count: None)
    first = queue.held.messages()[0]
    queue.client.hide(first, 0)
    queue.others_take()

    queue.held.renew()

    assert first.message_id not in queue.ids
    assert len(queue.ids) == 2


@pytest.mark.usefixtures("account")
def test_what_is_held_is_renewed_in_the_background_and_then_returned() -> None:
    """Release ends the thread; a deleted message does not return."""
    queue = SharedQueue(3)
    queue.held.start()
    queue.held.fill(10, lambda _count: None)

    deleted = queue.held.delete(queue.held.messages()[:1])
    queue.held.release()

    assert len(deleted) == 1
    assert (queue.ids, queue.waiting()) == ([], 2)


@pytest.mark.usefixtures("account")
def test_a_queue_that_is_deleted_meanwhile_ends_the_hold_quietly() -> None:
    """Its messages are gone; there is nothing to return them to."""
    queue = SharedQueue(2)
    queue.held.fill(10, lambda _count: None)
    queue.boto.delete_queue(QueueUrl=queue.url)

    queue.held.release()

    assert queue.ids == []


@pytest.mark.usefixtures("account")
def test_a_queue_that_is_deleted_under_a_command_is_named() -> None:
    """The next step is a command, and not the AWS console."""
    queue = SharedQueue(1)
    queue.held.fill(1, lambda _count: None)
    queue.boto.delete_queue(QueueUrl=queue.url)

    with pytest.raises(GradectlError, match="the queue does not exist any more") as caught:
        queue.held.delete(queue.held.messages())

    assert caught.value.where == queue.url
    assert "gradectl queue list" in caught.value.next_step
