"""
Looks up the records of API keys in Parameter Store, and remembers them for a short time.

Parameter Store answers few calls a second, so guessed ids must not use them up: ids that are not
known are read ten at a time, ten times a second, apart from those that are. Unknown ids are
remembered too.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from grader.api.loader import BatchLoader
from grader.contract.api_keys import ApiKeyRecord, parse_record
from grader.errors import AccessError, TemporaryError
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
#: GetParameters takes at most ten names in one call.
_IDS_AT_ONCE = 10
#: Between calls for ids that are not known: a flood of them leaves most calls to others.
_PAUSE_UNKNOWN_SECONDS = 0.1
_MOST_WAITING = 1000
_WHERE = "API keys"


class TooManyUnknownError(TemporaryError):
    """Too many ids wait for their first look-up; a known key is not affected."""


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
        pause_seconds: Time between look-ups of ids that are not known.
    """

    def __init__(
        self,
        store: ParameterStore,
        prefix: str,
        clock: Callable[[], float],
        *,
        most_keys: int = _MOST_KEYS,
        pause_seconds: float = _PAUSE_UNKNOWN_SECONDS,
    ) -> None:
        self._store = store
        self._prefix = prefix
        self._clock = clock
        self._most_keys = most_keys
        self._known: OrderedDict[str, _Entry] = OrderedDict()
        self._unknown: OrderedDict[str, float] = OrderedDict()
        self._running: dict[str, asyncio.Task[ApiKeyRecord | None]] = {}
        self._paused_until = float("-inf")
        # One for what is known and one for the rest: a flood of ids does not delay known keys.
        self._threads = ThreadPoolExecutor(2, "api-keys")
        self._known_ids = BatchLoader(self._read, most_at_once=_IDS_AT_ONCE)
        self._new_ids = BatchLoader(
            self._read, most_at_once=_IDS_AT_ONCE, pause_seconds=pause_seconds
        )

    async def get(self, key_id: str) -> ApiKeyRecord | None:
        """
        Return the record of a key, at most `FRESH_SECONDS` old; None for an unknown id.

        While the store is unreachable, a record of up to `STALE_SECONDS` is returned.

        Raises:
            TooManyUnknownError: Too many ids wait for their first look-up.
            TemporaryError: The store is unreachable, and the record is not known or too old.
        """
        entry = self._known.get(key_id)
        if entry is None:
            return await self._get_unknown(key_id)
        age = self._clock() - entry.read_at
        if age < _RENEW_SECONDS:
            return entry.record
        reading = self._reading(key_id, self._known_ids)
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
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _get_unknown(self, key_id: str) -> ApiKeyRecord | None:
        read_at = self._unknown.get(key_id)
        if read_at is not None and self._clock() - read_at < FRESH_SECONDS:
            return None
        return await asyncio.shield(self._reading(key_id, self._new_ids))

    def _reading(self, key_id: str, ids: BatchLoader[str]) -> asyncio.Task[ApiKeyRecord | None]:
        """Return the running look-up of an id, or start one; callers share it."""
        task = self._running.get(key_id)
        if task is None:
            task = asyncio.create_task(self._look_up(key_id, ids))
            self._running[key_id] = task
            task.add_done_callback(lambda done: self._ended(key_id, done))
        return task

    def _ended(self, key_id: str, task: asyncio.Task[ApiKeyRecord | None]) -> None:
        self._running.pop(key_id, None)
        if not task.cancelled():
            task.exception()  # a renewal in the background has no caller who sees its error

    async def _look_up(self, key_id: str, ids: BatchLoader[str]) -> ApiKeyRecord | None:
        if ids.waiting >= _MOST_WAITING:
            raise TooManyUnknownError("too many ids wait for a look-up", where=_WHERE)
        text = await ids.load(key_id)
        record = parse_record(text) if text is not None else None
        if record is None:
            self._known.pop(key_id, None)
            _remember(self._unknown, key_id, self._clock(), self._most_keys)
            return None
        self._unknown.pop(key_id, None)
        _remember(self._known, key_id, _Entry(record, self._clock()), self._most_keys)
        return record

    async def _read(self, key_ids: Sequence[str]) -> Mapping[str, str]:
        """Read the parameters of ids on a thread; a store that failed a moment ago is spared."""
        if self._clock() < self._paused_until:
            raise TemporaryError("Parameter Store was unreachable a moment ago", where=_WHERE)
        names = {self._prefix + key_id: key_id for key_id in key_ids}
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, self._store.find_many, list(names))
        except (TemporaryError, AccessError) as error:
            self._paused_until = self._clock() + _PAUSE_SECONDS
            raise TemporaryError(str(error), where=_WHERE) from error
        return {names[name]: text for name, text in found.items()}


def _remember(cache: OrderedDict[str, _Value], key: str, value: _Value, most: int) -> None:
    """Store a value; the one that was not stored for longest is dropped above `most`."""
    cache[key] = value
    cache.move_to_end(key)
    if len(cache) > most:
        cache.popitem(last=False)
