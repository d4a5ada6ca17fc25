"""Behaviour of every feed of results."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from feeds import FeedWorld, open_feed
from redis_server import RedisServer

from grader.api.feeds import News
from grader.logs import Redactor, make_logger

_Body = Callable[[FeedWorld], Awaitable[None]]


@pytest.fixture(params=["fake", pytest.param("redis", marks=pytest.mark.engine)])
def run(request: pytest.FixtureRequest) -> Callable[[_Body], None]:
    """Run a test with a feed of its own."""
    server: RedisServer | None = None
    if request.param == "redis":
        server = request.getfixturevalue("redis_server")
    log = make_logger("text", "ERROR", redactor=Redactor())

    def run(body: _Body) -> None:
        async def main() -> None:
            async with open_feed(server, log) as world:
                await body(world)

        asyncio.run(main())

    return run


def test_a_result_is_told_to_who_waits(run: Callable[[_Body], None]) -> None:
    """The same bytes."""

    async def body(world: FeedWorld) -> None:
        await world.feed.watch("req_1")
        await world.published.result("req_1", '{"한":1}'.encode())

        assert await world.next() == News("req_1", '{"한":1}'.encode(), is_final=True)
        assert world.feed.works

    run(body)


def test_who_asks_after_the_result_is_served(run: Callable[[_Body], None]) -> None:
    """A message alone would be lost."""

    async def body(world: FeedWorld) -> None:
        await world.published.result("req_1", b"{}")
        await world.feed.watch("req_1")

        assert await world.next() == News("req_1", b"{}", is_final=True)

    run(body)


def test_progress_is_told_before_the_result(run: Callable[[_Body], None]) -> None:
    """It is not final."""

    async def body(world: FeedWorld) -> None:
        await world.published.progress("req_1", b"[1]")
        await world.feed.watch("req_1")
        assert await world.next() == News("req_1", b"[1]", is_final=False)

        await world.published.progress("req_1", b"[2]")
        assert await world.next() == News("req_1", b"[2]", is_final=False)

        await world.published.result("req_1", b"{}")
        assert await world.next() == News("req_1", b"{}", is_final=True)

    run(body)


def test_what_is_no_longer_watched_is_not_told(run: Callable[[_Body], None]) -> None:
    """Nor what never was."""

    async def body(world: FeedWorld) -> None:
        await world.feed.watch("req_1")
        await world.published.result("req_1", b"{}")
        await world.next()
        await world.feed.unwatch("req_1")
        await world.feed.watch("req_2")
        await world.published.result("req_2", b"{}")
        await world.next()  # after it, the feed has left the first one

        for name in ("req_1", "req_3", "req_2"):
            await world.published.result(name, b"[]")

        while (news := await world.next()).text != b"[]":
            pass
        assert news.request_id == "req_2"

    run(body)


def test_what_was_published_while_the_connection_was_lost_is_told(
    run: Callable[[_Body], None],
) -> None:
    """All watched requests are asked for again."""

    async def body(world: FeedWorld) -> None:
        for number in range(1000):
            await world.feed.watch(f"req_{number}")
        await world.published.result("req_0", b"{}")
        await world.next()

        await world.published.missed("req_999", b"{}")

        while (news := await world.next()).request_id == "req_0":
            pass  # told again, because it is still watched
        assert news == News("req_999", b"{}", is_final=True)

    run(body)
