"""Token buckets and counters of open requests, by key or address; per process."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

_MINUTE = 60.0


@dataclass(frozen=True)
class RateState:
    """
    What is left after a request.

    Args:
        allowed: Whether the request may go on.
        limit: Requests a minute.
        remaining: Requests that may follow at once.
        reset_seconds: Seconds until the bucket is full.
        retry_seconds: Seconds until the same request is allowed; 0 if it was.
    """

    allowed: bool
    limit: int
    remaining: int
    reset_seconds: int
    retry_seconds: int

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers RateLimit-Policy and RateLimit, and Retry-After where it was refused."""
        fields = {
            b"ratelimit-policy": f'"key";q={self.limit};w=60',
            b"ratelimit": f'"key";r={self.remaining};t={self.reset_seconds}',
        }
        if not self.allowed:
            fields[b"retry-after"] = str(self.retry_seconds)
        return [(name, value.encode()) for name, value in fields.items()]


class RateLimiter:
    """
    One token bucket for each name: it holds the requests of a minute, and is refilled evenly.

    A bucket that is full again is forgotten first, so the memory is bounded.

    Args:
        clock: Monotonic seconds.
        most_names: Names to remember.
    """

    def __init__(self, clock: Callable[[], float], *, most_names: int = 20_000) -> None:
        self._clock = clock
        self._most_names = most_names
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # tokens, time

    def take(self, name: str, per_minute: int, cost: int = 1, taken: int = 0) -> RateState:
        """
        Take tokens; nothing is taken if there are not enough.

        Args:
            name: Whose bucket.
            per_minute: Its size, and its refill in a minute.
            cost: Tokens; with `taken`, more than the size counts as the size, or it could never be
                allowed.
            taken: Tokens that the same call has taken before, and takes again if it is repeated.
        """
        now = self._clock()
        tokens = self._tokens(name, per_minute, now)
        wanted = min(cost + taken, per_minute) - taken
        allowed = tokens >= wanted
        tokens -= wanted if allowed else 0
        self._buckets[name] = (tokens, now)
        self._buckets.move_to_end(name)
        if len(self._buckets) > self._most_names:
            self._buckets.popitem(last=False)
        per_second = per_minute / _MINUTE
        retry = 0 if allowed else max(1, math.ceil((wanted + taken - tokens) / per_second))
        reset = math.ceil((per_minute - tokens) / per_second)
        return RateState(allowed, per_minute, int(tokens), reset, retry)

    def is_empty(self, name: str, per_minute: int) -> bool:
        """Whether the next request of a name would be refused; takes nothing."""
        return self._tokens(name, per_minute, self._clock()) < 1

    def _tokens(self, name: str, per_minute: int, now: float) -> float:
        tokens, since = self._buckets.get(name, (float(per_minute), now))
        return min(float(per_minute), tokens + (now - since) * per_minute / _MINUTE)


class OpenRequests:
    """Counts the open requests of each name."""

    def __init__(self) -> None:
        self._open: dict[str, int] = {}

    def enter(self, name: str, most: int) -> bool:
        """Count one more, unless `most` are open; `leave` must follow if it returns True."""
        count = self._open.get(name, 0)
        if count >= most:
            return False
        self._open[name] = count + 1
        return True

    def leave(self, name: str) -> None:
        """Count one less."""
        count = self._open[name] - 1
        if count:
            self._open[name] = count
        else:
            del self._open[name]
