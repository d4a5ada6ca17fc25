"""Waiting for what is away: the same call again, later and later, until the worker must stop."""

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

from grader.errors import GraderError, StoppingError
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
        stopping: Set when the worker must stop; ends all waiting.
        health: Is told what is being waited for.
        log: Is told the same.
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
        Do `action` until it succeeds.

        Args:
            part: Name of the health check that is bad meanwhile.
            action: Safe to repeat.
            errors: What is worth another try; all else goes through.
            between: Called with the error before each wait.

        Raises:
            StoppingError: The worker must stop.
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


def _raising_first(error: GraderError, action: Callable[[], _T]) -> Callable[[], _T]:
    """Count the attempt that was made without tenacity, which costs more than most actions do."""
    first = [error]

    def attempt() -> _T:
        if first:
            raise first.pop()
        return action()

    return attempt
