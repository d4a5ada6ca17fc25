"""
Two workers and the messages of a request in every order of their steps, by the rules of SQS.

A model check of docs/job-lifecycle.md, as in test_every_order.py: messages are delivered twice or
out of order, and their visibility ends during a job. A crash may come between any two steps.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import pytest
from schedules import Choices, Turn, explore
from worker_world import (
    ONE,
    Handler,
    World,
    accept,
    check,
    fail,
    reject,
)

from grader.logs import Logger
from grader.ports.messages import Delivery, JobSource, Outgoing
from grader.testing import (
    MemorySqsJobSource,
    MemorySqsQueues,
)
from grader.worker.claims import ClaimRenewer
from grader.worker.settlement import DeliveryPolicy


@dataclass
class SqsWorld(World):
    """
    Queues with the rules of SQS instead of a broker.

    Any message may be delivered first, or twice. The time in flight of those in work may end,
    unnoticed (`expiries`) or noticed by their workers (`losses`). The message of a worker that
    crashed is visible again when its time is over, as one that is delayed: when nothing else can
    happen.
    """

    expiries: int = 0
    duplicates: int = 0
    settles_backwards: bool = False

    def __post_init__(self) -> None:
        """Begin with a message for each id."""
        self.choices = Choices()
        self.turns: dict[int, Turn] = {}
        self.received: list[Delivery] = []
        self.queues: MemorySqsQueues = MemorySqsQueues(
            now=lambda: 0.0, choose=self._choose, on_call=self._on_call
        )
        super().__post_init__()
        self.takes_over = True

    def left_requests(self) -> list[object]:
        """Return the requests that are in their queue, visible or not."""
        return [*self.queues.messages("requests")]

    def run(self, choices: Choices) -> None:
        """Run until no message is left; a crashed worker is replaced by another."""
        self.choices = choices
        super().run(choices)

    def _work(self, claims: ClaimRenewer, turn: Turn) -> None:
        self.turns[threading.get_ident()] = turn
        super()._work(claims, turn)

    def open_source(self, turn: Turn) -> JobSource:
        """Open the queues for a worker."""
        kind = BackwardSqsSource if self.settles_backwards else SteppedSqsSource
        self.sources[turn] = source = kind(self, turn)
        return source

    def _choose(self, count: int) -> int:
        return self.choices.choose(count)

    def _on_call(self, call: str, queue: str) -> None:
        turn = self.turns.get(threading.get_ident())
        if turn is not None and call != "receive":
            turn.step(f"{call} {queue}")

    def _options(self, workers: Sequence[Turn]) -> list[Callable[[], None]]:
        busy = [each for each in workers if each.at != "receive"]
        if not busy and not self.queues.waiting("requests"):
            self.queues.expire("requests")
        idle = [each for each in workers if each not in busy][:1]  # the others are no different
        options = [each.go for each in (*busy, *idle) if each.ready()]
        if not options:
            return []
        options += [partial(self._crash, each, False) for each in busy if self.crashes]
        if busy and self.expiries:
            options.append(self._expire)
        if busy and self.losses:
            options.append(self._notice)
        if self.received and self.duplicates:
            options.append(self._duplicate)
        return options

    def _expire(self) -> None:
        self.expiries -= 1
        self.queues.expire("requests")

    def _notice(self) -> None:
        """End the time of all messages, and let the heartbeats of their workers notice it."""
        self.losses -= 1
        self.queues.expire("requests")
        for source in self.sources.values():
            source.forget()

    def _duplicate(self) -> None:
        self.duplicates -= 1
        self.queues.duplicate(self.received[-1])


class SteppedSqsSource(MemorySqsJobSource):
    """A source that waits for its turn before it receives; `World` steps the other calls."""

    def __init__(self, world: SqsWorld, turn: Turn) -> None:
        super().__init__(world.queues, ["requests"])
        self._world = world
        self._turn = turn

    @property
    def hold_seconds(self) -> float | None:
        """None: the model ends the time of a message itself."""
        return None

    def forget(self) -> None:
        """Learn from an extension that the message in work is lost."""
        self._in_work.clear()

    def receive(self, timeout_seconds: float) -> Delivery | None:  # noqa: ARG002 - the port's
        """Receive a message; at the end of the run there is none, and the worker stops."""
        self._turn.step("receive", lambda: bool(self._queues.waiting("requests")))
        delivery = super().receive(0.0)
        if delivery is None:
            self._world.stopping[self._turn].set()
        else:
            self._world.received.append(delivery)
        return delivery

    def close(self) -> None:
        """Return what is not settled, unless the worker crashed."""
        if not self._turn.crashed:
            super().close()


class BackwardSqsSource(SteppedSqsSource):
    """A wrong source, which deletes a message before its result is sent."""

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        on_confirmed: Callable[[], None] = lambda: None,
    ) -> None:
        """Delete it, then send the messages."""
        super().settle(delivery, (), on_confirmed)
        for message in outgoing:
            self._queues.send(message)


@dataclass(frozen=True)
class SqsCase:
    """
    What the handler does, and what goes wrong on SQS.

    Args:
        handler: What it does.
        crashes: Workers that end before any step: of S3, row, result, dead letter and deletion.
        expiries: Times that all messages in flight become visible and nobody notices it.
        losses: Times that their workers notice it.
        duplicates: Messages that are delivered once more.
        attempts: Most attempts.
        ids: The requests of the messages.
        orders: How many there are at least.
    """

    handler: Handler
    crashes: int = 0
    expiries: int = 0
    losses: int = 0
    duplicates: int = 0
    attempts: int = 2
    ids: tuple[str, ...] = ONE
    orders: int = 0

    @property
    def ends(self) -> set[str]:
        """Return the statuses in which the request may end, and does in some order."""
        if self.handler is not accept:
            return {"failed"}
        faults = self.crashes + self.expiries + self.losses + self.duplicates
        enough = faults < self.attempts
        return {"completed"} if enough else {"completed", "failed"}

    def world(self, log: Logger, **changes: bool) -> SqsWorld:
        """Make the queues, the database and the bucket."""
        policy = DeliveryPolicy("bucket", "results", "dlq", self.attempts, retry_delay_ms=1000)
        return SqsWorld(
            self.handler,
            log,
            policy,
            crashes=self.crashes,
            lease_ends=0,
            leaves=0,
            losses=self.losses,
            ids=self.ids,
            expiries=self.expiries,
            duplicates=self.duplicates,
            **changes,
        )

    def __str__(self) -> str:
        """Name the test."""
        names = ("crashes", "expiries", "losses", "duplicates", "attempts")
        wrong = (f"{key} {vars(self)[key]}" for key in names)
        return ", ".join([self.handler.__name__, *wrong, " ".join(self.ids)])


TWICE = ("req_1", "req_1")
SHORT_ON_SQS = [
    SqsCase(accept, crashes=1, orders=5),
    SqsCase(accept, expiries=1, orders=500),
    SqsCase(reject, crashes=1, orders=5),
    SqsCase(fail, crashes=1, orders=5),
    SqsCase(accept, ids=TWICE, orders=100),
]
LONG_ON_SQS = [
    SqsCase(accept, losses=1, orders=500),
    SqsCase(accept, duplicates=1, orders=2_000),
    SqsCase(reject, expiries=1, orders=2_000),
    SqsCase(reject, losses=1, orders=1_500),
    SqsCase(reject, duplicates=1, orders=2_000),
    SqsCase(fail, expiries=1, orders=1_000),
]


@pytest.mark.parametrize(
    "case",
    [*SHORT_ON_SQS, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in LONG_ON_SQS)],
    ids=str,
)
def test_in_every_order_on_sqs_there_is_one_result_and_a_message(
    case: SqsCase, log: Logger
) -> None:
    """Whatever crashes, expires or comes twice: one stored result, and messages that tell it."""
    found: Counter[str] = Counter()
    for choices in explore():
        world = case.world(log)
        world.run(choices)
        found.update(check(world))

    assert found.total() >= case.orders
    assert set(found) == case.ends


def test_a_message_deleted_before_its_result_is_sent_is_found_by_the_model(log: Logger) -> None:
    """The model proves nothing if it accepts the wrong order too."""
    ends = []
    for choices in explore():
        world = SqsCase(accept, crashes=1).world(log, settles_backwards=True)
        world.run(choices)
        ends.append(len(world.queues.waiting("results")))

    assert {0, 1} <= set(ends)
