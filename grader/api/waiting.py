"""
Callers that wait for requests: one look-up for all of them at a time.

However many callers wait, there are at most `LOOKUPS_PER_SECOND` statements a second, and none
while another one runs. A request that was watched for long is looked up less often than a new one.
Where results are pushed, a look-up only fills what a push may have missed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from time import monotonic

from grader.api.errors import ApiError, Kind
from grader.api.feeds import News, ResultFeed
from grader.api.remote import RemoteService
from grader.errors import GraderError
from grader.logs import Logger
from grader.ports.submissions import SubmissionReader, SubmissionRow

LOOKUPS_PER_SECOND = 20
_SHORTEST_GAP = 0.005
_MOST_AT_ONCE = 2000
#: A look-up follows after this part of the time that the request was watched for.
_PART_OF_AGE = 0.2
_SHORTEST_DELAY = 0.01
_LONGEST_DELAY = 0.5
_DELAY_WITH_FEED = 2.0
_MOVING_DELAY = 0.5
_DELAY_WITHOUT_DATABASE = 1.0
Update = SubmissionRow | News


@dataclass(eq=False)
class Watch:
    """
    A caller that waits.

    Args:
        request_id: The request.
        is_moving: Whether each state matters; otherwise only the end does.
    """

    request_id: str
    is_moving: bool
    _latest: Update | None = None
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def next(self, seconds: float) -> Update | None:
        """Wait for the newest state; None after the time, or when the process stops."""
        try:
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        except TimeoutError:
            return None
        self._changed.clear()
        latest, self._latest = self._latest, None
        return latest

    def put(self, update: Update | None) -> None:
        """Replace the newest state and wake the caller; nothing replaces the end of a request."""
        if self._latest is not None and self._latest.is_final:
            return
        self._latest = update
        self._changed.set()


@dataclass(eq=False)
class _Request:
    since: float
    due: float
    watches: set[Watch] = field(default_factory=set)

    @property
    def is_moving(self) -> bool:
        return any(watch.is_moving for watch in self.watches)


class WaitingHub:
    """
    All waiting callers of a process.

    Args:
        reader: The rows.
        database: Runs the look-ups.
        feed: Pushes results, where that is on.
        most_waiters: Most callers that wait for an end.
        log: Log of the API.
        clock: Seconds.
    """

    def __init__(  # noqa: PLR0913 - what it needs, named at the call
        self,
        reader: SubmissionReader,
        database: RemoteService,
        feed: ResultFeed | None,
        *,
        most_waiters: int,
        log: Logger,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._reader = reader
        self._database = database
        self._feed = feed
        self._most_waiters = most_waiters
        self._log = log
        self._clock = clock
        self._requests: dict[str, _Request] = {}
        self._open = {False: 0, True: 0}
        self._wake = asyncio.Event()
        self._lookups: deque[float] = deque(maxlen=LOOKUPS_PER_SECOND)
        self._task: asyncio.Task[None] | None = None
        self.is_stopping = False
        self.total_lookups = 0

    @property
    def waiters(self) -> int:
        """Callers that wait for an end."""
        return self._open[False]

    @property
    def streams(self) -> int:
        """Callers that get each state."""
        return self._open[True]

    @property
    def _is_pushed(self) -> bool:
        return self._feed is not None and self._feed.works

    async def start(self) -> None:
        """Look up in the background from now on."""
        if self._feed is not None:
            await self._feed.start(self._on_news)
        self._task = asyncio.create_task(self._run())

    def stop(self) -> None:
        """Wake all callers; none waits from now on."""
        self.is_stopping = True
        for request in self._requests.values():
            for watch in request.watches:
                watch.put(None)

    async def close(self) -> None:
        """End the look-ups."""
        self.stop()
        if self._task is not None:
            self._task.cancel()
        if self._feed is not None:
            await self._feed.close()

    @asynccontextmanager
    async def watch(self, request_id: str, *, moving: bool = False) -> AsyncIterator[Watch]:
        """
        Watch a request while the block runs; how many streams may, `grader.api.protection` limits.

        Args:
            request_id: The request.
            moving: Whether each state matters; otherwise only the end does.

        Raises:
            ApiError: 503, because too many callers wait for an end.
        """
        if not moving and self.waiters >= self._most_waiters:
            raise ApiError(
                Kind.BUSY,
                "too many callers wait",
                next_step="ask for the submission again after the time in Retry-After",
                retry_after=5,
            )
        watch = Watch(request_id, moving)
        self._open[moving] += 1
        await self._add(watch)
        try:
            yield watch
        finally:
            self._open[moving] -= 1
            await self._remove(watch)

    async def _add(self, watch: Watch) -> None:
        request = self._requests.get(watch.request_id)
        now = self._clock()
        if request is None:
            request = self._requests[watch.request_id] = _Request(now, now + _SHORTEST_DELAY)
        request.watches.add(watch)
        request.due = min(request.due, now + _SHORTEST_DELAY)
        self._wake.set()
        if self._feed is not None and len(request.watches) == 1:
            await self._feed.watch(watch.request_id)
        if self.is_stopping:
            watch.put(None)

    async def _remove(self, watch: Watch) -> None:
        request = self._requests[watch.request_id]
        request.watches.discard(watch)
        if request.watches:
            return
        del self._requests[watch.request_id]
        if self._feed is not None:
            await self._feed.unwatch(watch.request_id)

    def _on_news(self, news: News) -> None:
        request = self._requests.get(news.request_id)
        for watch in request.watches if request else ():
            if watch.is_moving or news.is_final:
                watch.put(news)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(max(self._gap(), 0.0))
            due = self._due()
            if not due:
                self._wake.clear()
                await self._wait_for_due()
                continue
            try:
                await self._look_up(due)
            except (ApiError, GraderError):
                self._later(due, _DELAY_WITHOUT_DATABASE)
            except Exception as error:  # noqa: BLE001 - one bad row must not end all waiting
                self._log.error("A look-up failed", reason=repr(error))
                self._later(due, _DELAY_WITHOUT_DATABASE)

    def _gap(self) -> float:
        """
        Return the seconds until the next look-up may start.

        The gap grows with the number of look-ups of the last second: a single caller gets a
        quick answer, and many share about a dozen look-ups a second. The limit itself is hard.
        """
        now = self._clock()
        while self._lookups and self._lookups[0] <= now - 1:
            self._lookups.popleft()
        count = len(self._lookups)
        if count == LOOKUPS_PER_SECOND:
            return self._lookups[0] + 1 - now
        gap = max(_SHORTEST_GAP, 0.05 * (count / 10) ** 2)
        return self._lookups[-1] + gap - now if count else 0.0

    def _due(self) -> list[str]:
        """List what is due; while results are pushed also what is soon, to save look-ups."""
        now = self._clock()
        if not any(request.due <= now for request in self._requests.values()):
            return []
        soon = now + (_DELAY_WITH_FEED / 2 if self._is_pushed else 0)
        due = [key for key, request in self._requests.items() if request.due <= soon]
        return due[:_MOST_AT_ONCE]

    async def _wait_for_due(self) -> None:
        """Wait until a request is due, or another one is watched."""
        now = self._clock()
        first = min((request.due for request in self._requests.values()), default=None)
        try:
            async with asyncio.timeout(None if first is None else max(first - now, 0.001)):
                await self._wake.wait()
        except TimeoutError:
            pass

    async def _look_up(self, due: list[str]) -> None:
        moving = {key for key in due if self._requests[key].is_moving}
        ending = set(due) - moving
        self._lookups.append(self._clock())
        self.total_lookups += 1
        found = await self._database.call(lambda: self._reader.watched(ending, moving))
        now = self._clock()
        for key in due:
            request = self._requests.get(key)
            if request is None:
                continue
            request.due = now + self._delay(now - request.since, request)
            row = found.get(key)
            if row is None:
                continue
            for watch in request.watches:
                if watch.is_moving or row.is_final:
                    watch.put(row)

    def _delay(self, age: float, request: _Request) -> float:
        if self._is_pushed:
            return _DELAY_WITH_FEED
        shortest = _MOVING_DELAY if request.is_moving and age > 1 else _SHORTEST_DELAY
        return max(shortest, min(age * _PART_OF_AGE, _LONGEST_DELAY))

    def _later(self, due: list[str], seconds: float) -> None:
        for key in due:
            if request := self._requests.get(key):
                request.due = self._clock() + seconds
