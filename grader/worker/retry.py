"""Retries a call with backoff until it succeeds or the worker shuts down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tenacity import (
    RetryCallState,
    RetryError,
    Retrying,
    retry_if_exception_type,
    sleep_using_event,
    stop_when_event_set,
    wait_random_exponential,
)

from grader.errors import AccessError, GraderError, StoppingError, TemporaryError
from grader.logs import Logger
from grader.worker.health import Health

_T = TypeVar("_T")
_FIRST_SECONDS = 0.5
_LONGEST_SECONDS = 30.0


@dataclass(frozen=True)
class Retrier:
    """
    Repeats calls that fail for reasons outside the request.

    Args:
        stopping: Set when the worker shuts down; ends all waiting.
        health: Shows which part is being waited for.
        log: Log of the worker.
    """

    stopping: threading.Event
    health: Health
    log: Logger

    def call(
        self,
        part: str,
        action: Callable[[], _T],
        errors: tuple[type[GraderError], ...],
        *,
        between: Callable[[BaseException], None] = lambda _error: None,
    ) -> _T:
        """
        Call `action` until it succeeds.

        Args:
            part: Name of the health check that is bad meanwhile.
            action: Safe to repeat.
            errors: Errors that are retried; all others are raised.
            between: Called with the error before each wait.

        Raises:
            StoppingError: The worker shuts down.
        """
        try:
            result = action()
        except errors as error:
            result = self._repeat(part, _raising_first(error, action), errors, between)
        self.health.good(part)
        return result

    def _repeat(
        self,
        part: str,
        action: Callable[[], _T],
        errors: tuple[type[GraderError], ...],
        between: Callable[[BaseException], None],
    ) -> _T:
        def before_sleep(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome else None
            message = f"Waiting for the {part}"
            self.health.bad(part, f"waiting: {error}")
            self.log.warning(message, reason=str(error), tries=state.attempt_number)
            if error is not None:
                between(error)

        retrying = Retrying(
            stop=stop_when_event_set(self.stopping),
            sleep=sleep_using_event(self.stopping),
            wait=wait_random_exponential(multiplier=_FIRST_SECONDS, max=_LONGEST_SECONDS),
            retry=retry_if_exception_type(errors),
            before_sleep=before_sleep,
        )
        try:
            return retrying(action)
        except RetryError as error:
            raise StoppingError(f"stopped while waiting for the {part}") from error


def retry_database(
    retrier: Retrier,
    action: Callable[[], _T],
    refresh: Callable[[], None],
    before_wait: Callable[[], None] = lambda: None,
) -> _T:
    """
    Retry a call to the database, with fresh parameters after a refused login.

    Args:
        retrier: Repeats the call.
        action: The call; safe to repeat.
        refresh: Reads the parameters again; never raises.
        before_wait: Called before each wait.

    Raises:
        StoppingError: The worker shuts down.
    """

    def between(error: BaseException) -> None:
        before_wait()
        if isinstance(error, AccessError):
            refresh()

    return retrier.call("database", action, (TemporaryError, AccessError), between=between)


def _raising_first(error: GraderError, action: Callable[[], _T]) -> Callable[[], _T]:
    """Count the first call, made without tenacity, which costs more than most actions."""
    first = [error]

    def attempt() -> _T:
        if first:
            raise first.pop()
        return action()

    return attempt
