"""Several consumers on SQS at once, with failures in every call and messages that expire."""

from __future__ import annotations

import random
import threading
from contextlib import suppress

import pytest
from memory_boto import MemoryBoto, refusal

from grader.adapters.sqs.client import SqsClient
from grader.adapters.sqs.source import SqsJobSource
from grader.errors import ConnectionLostError, GraderError
from grader.ports.messages import Outgoing
from grader.testing import MemorySqsQueues

REQUESTS = 120
CONSUMERS = 3


class Faults:
    """Refuses some of the calls, and lets messages expire and arrive twice."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self.queues = MemorySqsQueues(choose=self._choose, on_call=self._on_call)
        self.on = False

    def _choose(self, count: int) -> int:
        with self._lock:
            return self._random.randrange(count)

    def _on_call(self, call: str, queue: str) -> None:
        with self._lock:
            chance = self._random.random() if self.on else 1.0
        if chance < 0.05:
            raise refusal(call, "RequestThrottled")
        if chance < 0.07:
            self.queues.expire(queue)


def consume(client: SqsClient, ended: threading.Event, redelivered: list[bool]) -> None:
    """What a consumer of the worker does: after a lost connection it opens another source."""
    while not ended.is_set():
        source = SqsJobSource(client, ["urgent", "jobs"], wait_seconds=1, visibility_seconds=2)
        with suppress(ConnectionLostError):
            while not ended.is_set():
                delivery = source.receive(0.1)
                if delivery is None:
                    continue
                redelivered.append(delivery.redelivered)
                if not source.extend(delivery):
                    continue
                source.settle(delivery, [Outgoing("answers", delivery.body)])
            source.confirm()
        source.close()


@pytest.mark.parametrize("seed", range(2))
def test_every_request_is_answered_and_none_is_left(seed: int) -> None:
    """Whatever fails; some are answered twice, which the rows of the worker prevent."""
    faults = Faults(seed)
    queues = faults.queues
    boto = MemoryBoto(queues)
    client = SqsClient(boto, boto.urls)
    for number in range(REQUESTS):
        queues.send(Outgoing("urgent" if number % 3 == 0 else "jobs", b"%d" % number))
    faults.on = True
    ended = threading.Event()
    redelivered: list[bool] = []
    consumers = [
        threading.Thread(target=consume, args=(client, ended, redelivered))
        for _ in range(CONSUMERS)
    ]
    for each in consumers:
        each.start()

    reader = SqsJobSource(client, ["answers"], wait_seconds=1, visibility_seconds=2)
    answered: set[bytes] = set()
    while len(answered) < REQUESTS:
        with suppress(GraderError):
            answer = reader.receive(10.0)
            assert answer is not None, f"{REQUESTS - len(answered)} requests are not answered"
            answered.add(answer.body)
            reader.settle(answer, [])
            reader.confirm()
            continue
        reader.close()
        reader = SqsJobSource(client, ["answers"], wait_seconds=1, visibility_seconds=2)
    faults.on = False
    while queues.messages("urgent") or queues.messages("jobs"):
        assert ended.wait(0.05) is False
    ended.set()
    for each in consumers:
        each.join()
    reader.close()

    assert any(redelivered)
