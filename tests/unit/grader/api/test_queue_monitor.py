"""The position of a waiting request, and calls to services that may be away."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_api import WAIT_SECONDS, counters

from grader.api.errors import ApiError, Kind
from grader.api.queue_monitor import position_of
from grader.api.remote import RemoteService
from grader.errors import AccessError, HiddenObjectError, ObjectNotFoundError
from grader.logs import Redactor, make_logger

LOG = make_logger("text", "CRITICAL", redactor=Redactor())


@pytest.mark.parametrize(
    ("queue", "ticket", "position"),
    [
        ({"enqueued": 10, "dequeued": 0, "size": 10}, 9, 10),
        ({"enqueued": 10, "dequeued": 5, "size": 5}, 9, 5),
        ({"enqueued": 10, "dequeued": 5, "size": 5, "in_flight": 2}, 9, 3),
        ({"enqueued": 10, "dequeued": 3, "expired": 2, "size": 5}, 9, 5),
        ({"enqueued": 10, "dequeued": 10}, 9, 1),
        ({"enqueued": 2, "dequeued": 0, "size": 2}, 9, None),
        ({"enqueued": 10, "dequeued": 0, "size": 10}, None, None),
    ],
    ids=["all", "some", "in-flight", "expired", "gone", "counts-anew", "unknown"],
)
def test_a_position_follows_from_counters(
    queue: dict[str, int], ticket: int | None, position: int | None
) -> None:
    """How many came before, less those that are gone; a broker that was restarted counts anew."""
    assert position_of(counters(**queue), ticket).position == position


numbers = st.integers(min_value=0, max_value=1000)


@given(numbers, numbers, numbers, numbers, numbers)
def test_a_position_is_within_the_queue(
    size: int, in_flight: int, enqueued: int, dequeued: int, ticket: int
) -> None:
    """Whatever the counters, which a broker does not read at one moment."""
    queue = counters(size=size, in_flight=in_flight, enqueued=enqueued, dequeued=dequeued)

    found = position_of(queue, ticket)

    assert found.position is None or 1 <= found.position <= max(found.waiting, 1)


@pytest.mark.parametrize(
    ("queue", "words"),
    [
        ({"consumers": 0, "size": 3}, "no worker runs"),
        ({"consumers": None, "size": 3}, "perhaps"),
        ({"consumers": None, "size": 3, "in_flight": 1}, None),
        ({"consumers": 2, "size": 3}, None),
    ],
)
def test_a_note_tells_that_no_worker_runs(queue: dict[str, Any], words: str | None) -> None:
    """SQS does not count consumers: there it is a guess."""
    note = position_of(counters(**queue), 1).note

    assert (note is None) if words is None else (words in (note or ""))


def in_a_service(steps: Any, **options: Any) -> None:
    """Run steps with a service."""

    async def run() -> None:
        service = RemoteService("database", 1, LOG, **options)
        try:
            await asyncio.wait_for(steps(service), WAIT_SECONDS)
        finally:
            service.close()

    asyncio.run(run())


def test_too_many_waiting_calls_are_refused() -> None:
    """With a time, instead of a queue in memory without an end."""
    gate = threading.Event()

    async def steps(service: RemoteService) -> None:
        calls = [asyncio.create_task(service.call(gate.wait)) for _ in range(64)]
        await asyncio.sleep(0)
        with pytest.raises(ApiError) as caught:
            await service.call(gate.wait)
        gate.set()
        await asyncio.gather(*calls)
        assert caught.value.kind is Kind.BUSY
        assert await service.call(lambda: 3) == 3

    in_a_service(steps, most_pending=64)


def test_refused_credentials_are_read_again() -> None:
    """A password may have been changed; the next call uses the new one at once."""
    refreshed = threading.Event()

    def refuse() -> None:
        raise AccessError("no", where="database")

    async def steps(service: RemoteService) -> None:
        with pytest.raises(ApiError) as caught:
            await service.call(refuse)
        assert caught.value.kind is Kind.UNAVAILABLE
        assert await asyncio.to_thread(refreshed.wait, WAIT_SECONDS)
        assert await service.call(lambda: "good") == "good"
        assert not service.is_away

    in_a_service(steps, on_refusal=refreshed.set)


@pytest.mark.parametrize("error", [HiddenObjectError, ObjectNotFoundError])
def test_a_missing_object_does_not_mean_that_the_service_is_away(error: Any) -> None:
    """It is the caller's question, not an outage."""

    def miss() -> None:
        raise error("absent", where="bucket")

    async def steps(service: RemoteService) -> None:
        with pytest.raises(error):
            await service.call(miss)
        assert not service.is_away

    in_a_service(steps)
