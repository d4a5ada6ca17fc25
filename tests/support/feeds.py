"""Feeds of results with what publishes to them: a fake in memory, and Redis."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Protocol

from redis_server import RedisServer

from grader.adapters.redis import RedisPublisher
from grader.api.feeds import News, ResultFeed
from grader.api.redis_feed import RedisFeed
from grader.logs import Logger
from grader.ports.results import PushedValue, progress_channel, result_channel

SECONDS = 30.0  # a limit for a hung test


class MemoryFeed:
    """An in-memory feed; what is published while it is `lost` arrives later."""

    def __init__(self) -> None:
        """Nothing was published."""
        self.values: dict[str, bytes] = {}
        self.watched: set[str] = set()
        self.works = True
        self._on_news: Callable[[News], None] = lambda _news: None

    async def start(self, on_news: Callable[[News], None]) -> None:
        """Begin."""
        self._on_news = on_news

    async def watch(self, request_id: str) -> None:
        """Tell what was published, and what will be."""
        self.watched.add(request_id)
        if self.works:
            self._tell(request_id)

    async def unwatch(self, request_id: str) -> None:
        """Tell no more."""
        self.watched.discard(request_id)

    async def close(self) -> None:
        """End."""
        self.works = False

    def publish(self, name: str, text: bytes) -> None:
        """Keep a value, and tell it."""
        self.values[name] = text
        request_id = name.partition(":")[2]
        if self.works and request_id in self.watched:
            self._on_news(News(request_id, text, name.startswith("result:")))

    def lose(self) -> None:
        """Lose the connection."""
        self.works = False

    def restore(self) -> None:
        """Connect again."""
        self.works = True
        for request_id in self.watched:
            self._tell(request_id)

    def _tell(self, request_id: str) -> None:
        for name in (result_channel(request_id), progress_channel(request_id)):
            if name in self.values:
                is_final = name.startswith("result:")
                self._on_news(News(request_id, self.values[name], is_final))


class Published(Protocol):
    """What tests need in addition to the feed."""

    async def result(self, request_id: str, text: bytes) -> None:
        """Publish a result."""

    async def progress(self, request_id: str, text: bytes) -> None:
        """Publish progress."""

    async def missed(self, request_id: str, text: bytes) -> None:
        """Publish a result while the feed has no connection, and let it connect again."""


@dataclass
class FeedWorld:
    """A started feed and the news from it."""

    feed: ResultFeed
    published: Published
    news: asyncio.Queue[News] = field(default_factory=asyncio.Queue)

    async def next(self) -> News:
        """Wait for the next news."""
        async with asyncio.timeout(SECONDS):
            return await self.news.get()


@dataclass
class _InMemory:
    memory: MemoryFeed

    async def result(self, request_id: str, text: bytes) -> None:
        """Publish a result."""
        self.memory.publish(result_channel(request_id), text)

    async def progress(self, request_id: str, text: bytes) -> None:
        """Publish progress."""
        self.memory.publish(progress_channel(request_id), text)

    async def missed(self, request_id: str, text: bytes) -> None:
        """Publish a result without a connection."""
        self.memory.lose()
        await self.result(request_id, text)
        self.memory.restore()


@dataclass
class _OnRedis:
    server: RedisServer
    publisher: RedisPublisher

    async def result(self, request_id: str, text: bytes) -> None:
        """Publish a result as a worker does."""
        value = PushedValue(result_channel(request_id), text, progress_channel(request_id))
        assert not await asyncio.to_thread(self.publisher.publish, [value])

    async def progress(self, request_id: str, text: bytes) -> None:
        """Publish progress as a worker does."""
        value = PushedValue(progress_channel(request_id), text)
        assert not await asyncio.to_thread(self.publisher.publish, [value])

    async def missed(self, request_id: str, text: bytes) -> None:
        """Publish a result in the moment in which the subscriber is cut off."""
        name = result_channel(request_id)
        with self.server.client() as client:
            pipeline = client.pipeline(transaction=True)
            pipeline.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
            pipeline.set(name, text, ex=300)
            pipeline.publish(name, text)
            await asyncio.to_thread(pipeline.execute)


@asynccontextmanager
async def open_feed(server: RedisServer | None, log: Logger) -> AsyncIterator[FeedWorld]:
    """Open a feed that works: over Redis, or in memory without a server."""
    if server is None:
        memory = MemoryFeed()
        world = FeedWorld(memory, _InMemory(memory))
    else:
        publisher = RedisPublisher(lambda: server.login)
        world = FeedWorld(RedisFeed(lambda: server.login, log), _OnRedis(server, publisher))
    await world.feed.start(world.news.put_nowait)
    try:
        yield world
    finally:
        await world.feed.close()
