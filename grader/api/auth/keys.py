"""
Looks up the records of API keys in Parameter Store, and remembers them for a short time.

Parameter Store answers few calls a second, so calls of unknown ids must not use them up: these are
remembered too, limited in number a second, and kept apart from the keys that were valid.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from grader.api.auth.rates import RateLimiter
from grader.contract.api_keys import ApiKeyRecord, parse_record
from grader.errors import AccessError, SettingsError, TemporaryError
from grader.ports.stores import ParameterStore

_Value = TypeVar("_Value")

#: A change of a key, such as its revocation, counts after this time at the latest.
FRESH_SECONDS = 30.0
#: From this age on a key in use is read again, while the call goes on with what is known.
_RENEW_SECONDS = 15.0
#: How long a key is accepted while Parameter Store is unreachable.
STALE_SECONDS = 300.0
#: After an error the store is not asked again for this time, so that calls do not wait for it.
_PAUSE_SECONDS = 5.0
_MOST_KEYS = 10_000
_UNKNOWN_A_MINUTE = 120
_THREADS = 2
_WHERE = "API keys"


class TooManyUnknownError(TemporaryError):
    """Too many ids that were not looked up yet; a known key is not affected."""


@dataclass(frozen=True)
class _Entry:
    record: ApiKeyRecord | None
    read_at: float


class KeyStore:
    """
    The records of API keys.

    Args:
        store: The parameter store; called in threads.
        prefix: Names of the parameters up to the id, such as `/dev/api-keys/`.
        clock: Monotonic seconds.
        most_keys: Ids to remember of each kind, known and unknown.
    """

    def __init__(
        self,
        store: ParameterStore,
        prefix: str,
        clock: Callable[[], float],
        *,
        most_keys: int = _MOST_KEYS,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._clock = clock
        self._most_keys = most_keys
        self._known: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._running: dict[str, asyncio.Task[ApiKeyRecord | None]] = {}
        self._limiter = RateLimiter(clock, most_names=1)
        self._paused_until = float("-inf")
        # Unknown ids have threads of their own: a flood of them does not delay the known ones.
        self._for_known = ThreadPoolExecutor(_THREADS, "api-keys")
        self._for_unknown = ThreadPoolExecutor(_THREADS, "api-keys-unknown")

    async def get(self, key_id: str) -> ApiKeyRecord | None:
        """
        Return the record of a key, at most `FRESH_SECONDS` old; None for an unknown id.

        While the store is unreachable, a record of up to `STALE_SECONDS` is returned.

        Raises:
            TooManyUnknownError: Too many unknown ids were asked for.
            TemporaryError: The store is unreachable, and the record is not known or too old.
        """
        entry = self._known.get(key_id)
        if entry is None:
            return await self._get_unknown(key_id)
        age = self._clock() - entry.read_at
        if age < _RENEW_SECONDS:
            return entry.record
        reading = self._reading(key_id, self._for_known)
        if age < FRESH_SECONDS:
            return entry.record
        try:
            return await asyncio.shield(reading)
        except TemporaryError:
            if age < STALE_SECONDS:
                return entry.record
            raise

    def is_known(self, key_id: str) -> bool:
        """Whether the id was found by the last look-up of it."""
        return key_id in self._known

    def close(self) -> None:
        """End the threads; running look-ups are not awaited."""
        for pool in (self._for_known, self._for_unknown):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _get_unknown(self, key_id: str) -> ApiKeyRecord | None:
        read_at = self._unknown.get(key_id)
        if read_at is not None and self._clock() - read_at < FRESH_SECONDS:
            return None
        if key_id not in self._running and not self._limiter.take("", _UNKNOWN_A_MINUTE).allowed:
            raise TooManyUnknownError("too many unknown keys", where=_WHERE)
        return await asyncio.shield(self._reading(key_id, self._for_unknown))

    def _reading(self, key_id: str, pool: ThreadPoolExecutor) -> asyncio.Task[ApiKeyRecord | None]:
        """Return the running look-up of an id, or start one; callers share it."""
        task = self._running.get(key_id)
        if task is None:
            task = asyncio.create_task(self._read(key_id, pool))
            self._running[key_id] = task
            task.add_done_callback(lambda done: self._ended(key_id, done))
        return task

    def _ended(self, key_id: str, task: asyncio.Task[ApiKeyRecord | None]) -> None:
        self._running.pop(key_id, None)
        if not task.cancelled():
            task.exception()  # a renewal in the background has no caller who sees its error

    async def _read(self, key_id: str, pool: ThreadPoolExecutor) -> ApiKeyRecord | None:
        self._check_pause()
        loop = asyncio.get_running_loop()
        try:
            text = await loop.run_in_executor(pool, self._fetch, self._prefix + key_id)
        except SettingsError:
            self._forget(key_id)
            return None
        record = parse_record(text)
        if record is None:
            self._forget(key_id)
            return None
        self._unknown.pop(key_id, None)
        _remember(self._known, key_id, _Entry(record, self._clock()), self._most_keys)
        return record

    def _fetch(self, name: str) -> str:
        """Read a parameter, in a thread; those that waited for a thread do not ask a dead store."""
        self._check_pause()
        try:
            return self._store.get_many([name])[name]
        except (TemporaryError, AccessError) as error:
            self._paused_until = self._clock() + _PAUSE_SECONDS
            raise TemporaryError(str(error), where=_WHERE) from error

    def _check_pause(self) -> None:
        if self._clock() < self._paused_until:
            raise TemporaryError("Parameter Store was unreachable a moment ago", where=_WHERE)

    def _forget(self, key_id: str) -> None:
        self._known.pop(key_id, None)
        _remember(self._unknown, key_id, self._clock(), self._most_keys)


def _remember(cache: OrderedDict[str, _Value], key: str, value: _Value, most: int) -> None:
    """Store a value; the one that was not stored for longest is dropped above `most`."""
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > most:
        cache.popitem(last=False)
