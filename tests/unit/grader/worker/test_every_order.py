"""
Two workers and two messages of one request, or of two, in every order of their steps.

A model check of docs/job-lifecycle.md on the real consumer, processor and recorder over the
in-memory fakes: any worker may crash before any step, lose its connection, or leave and give its
request back, and the lease of a claim may end at any time. A settlement that was sent and is not
confirmed is committed before a crash or a loss, or undone by it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pytest
from schedules import explore
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
from grader.worker.settlement import DeliveryPolicy


@dataclass(frozen=True)
class Case:
    """
    What the handler does, and what goes wrong.

    Args:
        handler: What it does.
        crashes: Workers that end before any step.
        losses: Connections that are lost at any time.
        lease_ends: Times that all leases end.
        leaves: Workers that leave at the end of their drain.
        attempts: Most attempts; a crash, a loss and the end of a lease may cost a request one each,
            a leave costs none.
        ids: The requests of the messages.
        workers: How many work at the same time.
        orders: How many there are at least: a change that leaves out steps would prove less.
    """

    handler: Handler
    crashes: int = 0
    losses: int = 0
    lease_ends: int = 0
    leaves: int = 0
    attempts: int = 2
    ids: tuple[str, ...] = ("req_1", "req_1")
    workers: int = 2
    orders: int = 0

    @property
    def ends(self) -> set[str]:
        """Return the statuses in which the request may end, and does in some order."""
        if self.handler is not accept:
            return {"failed"}
        enough = self.crashes + self.losses + self.lease_ends < self.attempts
        return {"completed"} if enough else {"completed", "failed"}

    def __str__(self) -> str:
        """Name the test."""
        names = ("crashes", "losses", "lease_ends", "leaves", "attempts")
        wrong = (f"{key} {vars(self)[key]}" for key in names)
        return ", ".join(
            [self.handler.__name__, *wrong, " ".join(self.ids), f"{self.workers} workers"]
        )


OTHERS = ("req_1", "req_2")
SHORT = [
    Case(accept, crashes=1, orders=1_500),
    Case(accept, lease_ends=1, orders=500),
    Case(accept, losses=1, ids=ONE, orders=10),
    Case(accept, leaves=1, attempts=1, ids=ONE, orders=10),
    Case(accept, losses=1, ids=OTHERS, workers=1, orders=10),
    Case(accept, leaves=1, attempts=1, ids=OTHERS, workers=1, orders=10),
    Case(accept, crashes=1, ids=OTHERS, workers=1, orders=10),
    Case(reject, orders=200),
]
LONG = [
    Case(accept, losses=1, orders=1_500),
    Case(accept, losses=1, ids=OTHERS, orders=2_000),
    Case(accept, crashes=1, ids=OTHERS, orders=2_000),
    Case(accept, leaves=1, attempts=1, orders=4_000),
    Case(accept, crashes=1, lease_ends=1, orders=15_000),
    Case(accept, crashes=1, leaves=1, ids=ONE, orders=100),
    Case(reject, crashes=1, orders=5_000),
    Case(reject, lease_ends=1, orders=5_000),
    Case(fail, orders=3_000),
]


@pytest.mark.parametrize(
    "case", [*SHORT, *(pytest.param(each, marks=pytest.mark.exhaustive) for each in LONG)], ids=str
)
def test_in_every_order_there_is_one_result_and_a_message(case: Case, log: Logger) -> None:
    """Whatever crashes, the request has one stored result, and each message tells the same."""
    policy = DeliveryPolicy("bucket", "results", "dlq", case.attempts, retry_delay_ms=1000)
    found: Counter[str] = Counter()
    for choices in explore():
        world = World(
            case.handler,
            log,
            policy,
            crashes=case.crashes,
            lease_ends=case.lease_ends,
            leaves=case.leaves,
            losses=case.losses,
            ids=case.ids,
            workers=case.workers,
        )
        world.run(choices)
        found.update(check(world))

    assert found.total() >= case.orders
    assert set(found) == case.ends
