"""The position of a waiting request, and calls to services that may be away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memory_api import WAIT_SECONDS, MemoryInspector, counters

from grader.api.errors import ApiError, Kind
from grader.api.queue_monitor import QueueMonitor, position_of
from grader.api.remote import RemoteService
from grader.errors import AccessError, HiddenObjectError, ObjectNotFoundError
from grader.logs import Redactor, make_logger
from grader.ports.messages import QueueStatistics

UNAVAILABLE = Kind.UNAVAILABLE
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
    ("queue", "code"),
    [
        ({"consumers": 0, "size": 3}, "NO_WORKER"),
        ({"consumers": None, "size": 3}, "PERHAPS_NO_WORKER"),
        ({"consumers": None, "size": 3, "in_flight": 1}, None),
        ({"consumers": 2, "size": 3}, None),
    ],
)
def test_a_note_tells_that_no_worker_runs(queue: dict[str, Any], code: str | None) -> None:
    """SQS does not count consumers: there it is a guess."""
    found = position_of(counters(**queue), 1)

    assert found.note_code == code
    assert (found.note is None) == (code is None)


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


def test_many_refused_calls_ask_for_one_reading() -> None:
    """A wrong password must not use up the calls of Parameter Store, which keys need too."""
    readings: list[str] = []
    moments = [0.0]

    def refuse() -> None:
        raise AccessError("no", where="database")

    async def steps(service: RemoteService) -> None:
        for moment in (0.0, 0.5, 0.9, 1.1):
            moments[0] = moment
            with pytest.raises(ApiError):
                await service.call(refuse)
        await asyncio.get_running_loop().shutdown_default_executor()
        assert readings == ["read", "read"]

    options = {"on_refusal": lambda: readings.append("read"), "clock": lambda: moments[0]}
    in_a_service(steps, **options)


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


def test_a_service_that_ends_no_call_is_away() -> None:
    """Such as a frozen one: its callers get 503, and further ones at once, until it answers."""
    frozen, started = threading.Event(), threading.Event()
    moments = [0.0]

    def hang() -> None:
        started.set()
        frozen.wait(WAIT_SECONDS)

    async def steps(service: RemoteService) -> None:
        calls = [asyncio.create_task(service.call(hang)) for _ in range(3)]
        await asyncio.to_thread(started.wait, WAIT_SECONDS)
        moments[0] = 5.0
        found = await asyncio.gather(*calls, return_exceptions=True)
        assert [each.kind for each in found if isinstance(each, ApiError)] == [UNAVAILABLE] * 3
        assert service.is_away

        moments[0] = 10.0  # it is not spared any more, but its only thread is taken
        with pytest.raises(ApiError) as caught:
            await service.call(lambda: None)
        assert caught.value.kind is UNAVAILABLE

        frozen.set()
        while service.is_away:
            await asyncio.sleep(0)
            with suppress(ApiError):
                await service.call(lambda: None)

    in_a_service(steps, silent_seconds=0.05, clock=lambda: moments[0])


def test_a_call_may_wait_for_its_thread_as_long_as_others_end() -> None:
    """A burst is queued: the time is that of the service, not that of a call."""
    moments = [0.0]

    def take_time() -> None:
        moments[0] += 0.04

    async def steps(service: RemoteService) -> None:
        calls = [asyncio.create_task(service.call(take_time)) for _ in range(50)]
        await asyncio.gather(*calls)

    in_a_service(steps, silent_seconds=0.05, clock=lambda: moments[0])
    assert moments[0] > 1


def test_a_position_does_not_wait_for_a_silent_broker() -> None:
    """The submission is read without it; once the broker answers, it has one again."""
    silent = threading.Event()

    class Slow(MemoryInspector):
        def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
            silent.wait(WAIT_SECONDS)
            return super().statistics(queues)

    async def steps(service: RemoteService) -> None:
        inspector = Slow({"grading-requests": counters(size=3, enqueued=3)})
        monitor = QueueMonitor(
            inspector.open, ("grading-requests",), service, patience_seconds=0.01
        )
        assert await monitor.position("grading-requests", 1) is None
        silent.set()
        assert (await monitor.statistics())["grading-requests"].size == 3
        found = await monitor.position("grading-requests", 1)
        assert found is not None
        assert found.position == 2
        await monitor.close()

    in_a_service(steps)
