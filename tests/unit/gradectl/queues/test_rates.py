"""Rates are computed between two observations of a queue."""

from __future__ import annotations

from dataclasses import replace

from gradectl.queues.rates import Rates, rates
from grader.ports.messages import QueueStatistics

THEN = QueueStatistics("q", 5, 0, 1, 1, enqueued=10, dequeued=5, expired=0, taken_at_ms=1_000)
NOW = replace(THEN, enqueued=16, dequeued=6, taken_at_ms=3_000)


def test_rates_are_per_second_of_the_broker() -> None:
    """The clock of this machine may be wrong."""
    assert rates({"q": THEN}, {"q": NOW}) == {"q": Rates(3.0, 0.5)}


def test_a_queue_without_an_earlier_observation_has_no_rate() -> None:
    """It is new, was missing, or its counters restarted with the broker."""
    assert rates({}, {"q": NOW}) == {}
    assert rates({"q": None}, {"q": NOW}) == {}
    assert rates({"q": THEN}, {"q": None}) == {}
    assert rates({"q": NOW}, {"q": replace(THEN, taken_at_ms=4_000)}) == {}
    assert rates({"q": THEN}, {"q": THEN}) == {}
