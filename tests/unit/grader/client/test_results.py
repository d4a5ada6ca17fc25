"""Results are read from the bucket, and polled."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sample_results import completed

from grader.client.results import stored_result, wait_for_result
from grader.contract.bucket import result_key
from grader.errors import GraderError, NoResultError
from grader.testing import MemoryObjectStore


def result(request_id: str) -> bytes:
    return completed(request_id).to_json()


class Clock:
    """A clock that advances only in `pause`."""

    def __init__(self) -> None:
        self.now = 0.0
        self.pauses: list[float] = []
        self.on_pause: Callable[[], None] = lambda: None

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds
        self.on_pause()


def test_polling_intervals_grow() -> None:
    """From 20 ms, so that fast results are seen quickly, to 2 s."""
    store, clock = MemoryObjectStore(), Clock()

    def finish_after_a_minute() -> None:
        if clock.now > 60:
            store.objects[result_key("req_1")] = result("req_1")

    clock.on_pause = finish_after_a_minute
    found = wait_for_result(store, "req_1", 300.0, pause=clock.pause, clock=clock)

    assert found.request_id == "req_1"
    assert clock.pauses[0] <= 0.02
    assert clock.pauses == sorted(clock.pauses)
    assert max(clock.pauses) == 2.0
    assert len(clock.pauses) < 60


def test_polling_ends_at_the_deadline() -> None:
    """The last interval is shortened."""
    clock = Clock()

    with pytest.raises(NoResultError) as caught:
        wait_for_result(MemoryObjectStore(), "req_1", 10.0, pause=clock.pause, clock=clock)

    assert clock.now == pytest.approx(10.0)
    assert caught.value.exit_code == 124


def test_a_stored_object_that_is_not_a_result_is_an_error() -> None:
    """Polling does not continue."""
    store = MemoryObjectStore()
    store.objects[result_key("req_1")] = b"{}"

    with pytest.raises(GraderError, match="not a valid result"):
        stored_result(store, "req_1")
