"""
News from Redis for all callers that wait, over one connection for messages and one for values.

A caller that asks late is served too: each request is subscribed to first, and its value is read
once Redis has confirmed that. After a lost connection all are subscribed to and read again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator

from grader.adapters.redis import RedisChannels, RedisLogin, open_channels
from grader.api.feeds import News
from grader.errors import GraderError, TemporaryError
from grader.logs import Logger
from grader.ports.results import progress_channel, result_channel

_MOST_AT_ONCE = 500
#: Silence after which Redis is asked for an answer; it has as long again for it.
_PING_SECONDS = 3.0
#: How long a cancelled task has before it is cancelled again.
_CANCEL_SECONDS, _CLOSE_SECONDS = 0.1, 2.0
_FIRST_BACKOFF_SECONDS = 0.2
_LONGEST_BACKOFF_SECONDS = 5.0
_RESULT, _PROGRESS = result_channel(""), progress_channel("")


def _ignore(_news: News) -> None:
    """Take no notice, before the start."""


class RedisFeed:
    """
    `grader.api.feeds.ResultFeed` over Redis; used by one event loop.

    Args:
        login: Called on a thread for each new connection, so that a rotated password takes effect.
        log: Log of the API.
    """

    def __init__(self, login: Callable[[], RedisLogin], log: Logger) -> None:
        self._login = login
        self._log = log
        self._on_news: Callable[[News], None] = _ignore
        self._watched: set[str] = set()
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._works = False
        self._lost = False

    @property
    def works(self) -> bool:
        """Whether news arrives now."""
        return self._works

    async def start(self, on_news: Callable[[News], None]) -> None:
        """Connect in the background, and again after each loss."""
        self._on_news = on_news
        self._task = asyncio.create_task(self._run(), name="redis-feed")

    async def watch(self, request_id: str) -> None:
        """Ask for the news of a request, and for what was pushed before."""
        self._watched.add(request_id)
        self._changed.set()

    async def unwatch(self, request_id: str) -> None:
        """Stop watching a request."""
        self._watched.discard(request_id)
        self._changed.set()

    async def close(self) -> None:
        """Disconnect."""
        self._closing = True
        task, self._task = self._task, None
        if task is not None:
            await _end({task}, _CLOSE_SECONDS)

    async def _run(self) -> None:
        backoff = _FIRST_BACKOFF_SECONDS
        while not self._closing:
            try:
                async with open_channels(await asyncio.to_thread(self._login)) as channels:
                    await _Session(channels, self._watched, self._changed, self._heard).run()
            except Exception as error:  # noqa: BLE001 - callers get their results from the rows
                backoff = _FIRST_BACKOFF_SECONDS if self._works else backoff * 2
                self._note_loss(error)
            finally:
                self._works = False
            backoff = min(backoff, _LONGEST_BACKOFF_SECONDS)
            await asyncio.sleep(backoff)

    def _note_loss(self, error: Exception) -> None:
        if not self._lost:
            self._lost = True
            unexpected = None if isinstance(error, GraderError) else error
            message = "Redis is away, results are looked up in the database"
            self._log.warning(message, reason=str(error), exc_info=unexpected)

    def _heard(self, news: News | None) -> None:
        """Pass on what Redis sent; None for an answer without news."""
        self._works = True
        if self._lost:
            self._lost = False
            self._log.warning("Redis is back")
        if news is not None:
            self._on_news(news)


class _Session:
    """
    One connection, from its begin to its loss.

    Args:
        channels: The connection.
        watched: Requests that are watched; changed by others.
        changed: Set when `watched` was changed.
        heard: Called with each news, and with None for each other answer.
    """

    def __init__(
        self,
        channels: RedisChannels,
        watched: set[str],
        changed: asyncio.Event,
        heard: Callable[[News | None], None],
    ) -> None:
        self._channels = channels
        self._watched = watched
        self._changed = changed
        self._heard = heard
        self._asked: set[str] = set()
        self._confirmed: list[str] = []
        self._was_silent = False
        self._to_read = asyncio.Event()

    async def run(self) -> None:
        """Work until the connection is lost; raises the reason."""
        self._changed.set()  # ask for all of them
        works = (self._receive, self._ask, self._read)
        tasks = {asyncio.create_task(self._forever(work)) for work in works}
        try:
            ended, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
        finally:
            await _end(tasks, _CANCEL_SECONDS)

    async def _forever(self, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await work()

    async def _ask(self) -> None:
        """Subscribe to what is watched, and to nothing else."""
        await self._changed.wait()
        self._changed.clear()
        for some in _chunks(self._watched - self._asked):
            self._asked.update(some)
            await self._channels.subscribe(_names(some))
        for some in _chunks(self._asked - self._watched):
            self._asked.difference_update(some)
            await self._channels.unsubscribe(_names(some))

    async def _receive(self) -> None:
        """Take the next message or confirmation."""
        found = await self._channels.receive(_PING_SECONDS)
        if found is None:
            if self._was_silent:
                raise TemporaryError("no answer", where="Redis")
            self._was_silent = True
            await self._channels.ping()
            return
        self._was_silent = False
        name, text = found
        self._tell(name, text)
        if text is None and name.startswith(_PROGRESS):  # the second channel of a request
            self._confirmed.append(name.removeprefix(_PROGRESS))
            self._to_read.set()

    async def _read(self) -> None:
        """Read what was published before the subscription."""
        await self._to_read.wait()
        self._to_read.clear()
        confirmed, self._confirmed = self._confirmed, []
        for some in _chunks(confirmed):
            names = _names(some)
            for name, text in zip(names, await self._channels.values(names), strict=True):
                if text is not None:
                    self._tell(name, text)

    def _tell(self, name: str, text: bytes | None) -> None:
        """Pass on a text of a request that is watched; any other is an answer without news."""
        is_final = name.startswith(_RESULT)
        request_id = name.removeprefix(_RESULT if is_final else _PROGRESS)
        if text is None or request_id not in self._watched:
            self._heard(None)
        else:
            self._heard(News(request_id, text, is_final))


async def _end(tasks: set[asyncio.Task[None]], seconds: float) -> None:
    """Cancel tasks until they end: a call of the library may swallow a cancellation."""
    while left := {task for task in tasks if not task.done()}:
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=seconds)


def _names(request_ids: Iterable[str]) -> list[str]:
    """Return both channels of each request, that of its result first."""
    return [name for each in request_ids for name in (result_channel(each), progress_channel(each))]


def _chunks(request_ids: Iterable[str]) -> Iterator[list[str]]:
    """Split requests so that no command is huge."""
    every = list(request_ids)
    for begin in range(0, len(every), _MOST_AT_ONCE):
        yield every[begin : begin + _MOST_AT_ONCE]
