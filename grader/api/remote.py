"""Calls to services that may be away: on threads of their own, with 503 while they are."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from time import monotonic
from typing import TypeVar

from grader.api.errors import ApiError, Kind
from grader.errors import (
    AccessError,
    ConnectionLostError,
    GraderError,
    HiddenObjectError,
    SettingsError,
    TemporaryError,
    TrustError,
)
from grader.logs import Logger

_T = TypeVar("_T")
#: Errors that mean that the service is away; it is spared for a moment.
_AWAY = (TemporaryError, ConnectionLostError, TrustError)
#: Errors that an operator has to fix; another call may succeed.
_REFUSED = (AccessError, SettingsError)
_SPARED_SECONDS = 1.0
_RETRY_SECONDS = 5
#: A burst of as many callers as may wait, twice.
_MOST_PENDING = 4096
#: A service that ends no call for this time is away, such as one behind a broken network.
_SILENT_SECONDS = 10.0


class RemoteService:
    """
    A service that is called with blocking functions.

    Args:
        name: Its name in answers, such as `database`.
        threads: Most calls at the same time; the others wait.
        log: Log of the API.
        on_refusal: Called on a thread of its own when credentials were refused.
        most_pending: Most calls that run or wait; the next one is refused.
        silent_seconds: Time after which a service that ends no call is away.
        clock: Seconds.
    """

    def __init__(  # noqa: PLR0913 - what it needs, and options by name
        self,
        name: str,
        threads: int,
        log: Logger,
        on_refusal: Callable[[], None] = lambda: None,
        *,
        most_pending: int = _MOST_PENDING,
        silent_seconds: float = _SILENT_SECONDS,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self.name = name
        self.is_away = False
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._threads = threads
        self._most_pending = most_pending
        self._pending = 0
        self._silent_seconds = silent_seconds
        self._stuck = 0
        self._ended_at = float("-inf")
        self._log = log
        self._on_refusal = on_refusal
        self._clock = clock
        self._spared_until = 0.0
        self._next_refresh = float("-inf")

    async def call(self, action: Callable[[], _T]) -> _T:
        """
        Run a blocking call on a thread.

        Calls that wait for a thread may wait long, as long as others end.

        Raises:
            ApiError: 503 if the service is away, or was a moment ago, if it ends no call for
                `silent_seconds`, or if too many calls wait.
            GraderError: Any other error of the call.
        """
        if self._clock() < self._spared_until or self._stuck >= self._threads:
            raise self.unavailable()
        if self._pending >= self._most_pending:
            raise ApiError(Kind.BUSY, f"too many calls wait for the {self.name}", retry_after=1)
        self._pending += 1
        try:
            result = await self._result(action)
        except HiddenObjectError:
            raise
        except _REFUSED as error:
            self._note(error)
            self._refresh()
            raise self.unavailable() from error
        except _AWAY as error:
            self._note(error)
            self._spared_until = self._clock() + _SPARED_SECONDS
            raise self.unavailable() from error
        finally:
            self._pending -= 1
        self._recovered()
        return result

    def _refresh(self) -> None:
        """Read the login again, once a second however many calls are refused."""
        if self._clock() >= self._next_refresh:
            self._next_refresh = self._clock() + _SPARED_SECONDS
            asyncio.get_running_loop().run_in_executor(None, self._on_refusal)

    async def _result(self, action: Callable[[], _T]) -> _T:
        """Run a call; raises `TemporaryError` when the service has ended none for too long."""
        loop = asyncio.get_running_loop()
        began = self._clock()
        running = self._pool.submit(action)
        running.add_done_callback(lambda done: _tell(loop, lambda: self._note_end(done)))
        result = asyncio.wrap_future(running)
        try:
            while not result.done():
                left = self._silent_seconds + max(began, self._ended_at) - self._clock()
                if left <= 0:
                    self._abandon(running, loop)
                    raise TemporaryError("no call ends", where=self.name)
                await asyncio.wait({result}, timeout=left)
            return result.result()
        finally:
            result.cancel()

    def _note_end(self, done: Future[_T]) -> None:
        """Note when the service answered last; a lost connection does not count."""
        if not done.cancelled() and not isinstance(done.exception(), _AWAY):
            self._ended_at = self._clock()

    def _abandon(self, running: Future[_T], loop: asyncio.AbstractEventLoop) -> None:
        """Count a call that keeps its thread although its caller waits no longer."""
        if running.cancel():
            return

        def ended() -> None:
            self._stuck -= 1

        self._stuck += 1
        running.add_done_callback(lambda _: _tell(loop, ended))

    def unavailable(self) -> ApiError:
        """Return the error that says that the service is away, and nothing more."""
        return ApiError(
            Kind.UNAVAILABLE,
            f"the {self.name} is away",
            next_step="repeat the request after the time in Retry-After",
            retry_after=_RETRY_SECONDS,
        )

    def close(self) -> None:
        """End the threads once their calls have ended; waiting calls are cancelled."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _note(self, error: GraderError) -> None:
        if not self.is_away:
            self._log.warning(f"The {self.name} is away", reason=str(error))
        self.is_away = True

    def _recovered(self) -> None:
        if self.is_away:
            self._log.info(f"The {self.name} is back")
        self.is_away = False


def _tell(loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
    """Call something on the loop, from a thread that may end after it."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(action)
