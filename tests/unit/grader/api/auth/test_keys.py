"""Looking up API keys: cached, bounded, and working while Parameter Store is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import pytest

from grader.api.auth.keys import KeyStore, TooManyUnknownError
from grader.contract.api_keys import ApiKeyRecord, Scope, hash_secret
from grader.errors import TemporaryError
from grader.testing.stores import MemoryParameterStore

_Value = TypeVar("_Value")
KNOWN = "abcdefghijkl"
OTHER = "mnopqrstuvwx"


def record(name: str) -> ApiKeyRecord:
    """A record."""
    moment = datetime(2026, 5, 1, tzinfo=UTC)
    scopes = frozenset({Scope.SUBMIT})
    return ApiKeyRecord(hash=hash_secret("s"), name=name, scopes=scopes, created_at=moment)


class CountingStore(MemoryParameterStore):
    """Counts its calls, may be away, and may be made to wait."""

    def __init__(self) -> None:
        super().__init__({f"/dev/api-keys/{KNOWN}": record("first").to_json().decode()})
        self.calls: list[str] = []
        self.away = False
        self.open = threading.Event()
        self.open.set()

    def find_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read as the fake does."""
        self.calls += names
        assert self.open.wait(10)
        if self.away:
            raise TemporaryError("connection refused", where="SSM")
        return super().find_many(names)

    def change(self, name: str) -> None:
        """Change the record of the known key."""
        self.values[f"/dev/api-keys/{KNOWN}"] = record(name).to_json().decode()


class World:
    """A key store with a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.store = CountingStore()
        self.keys = self.make()

    def make(self, **limits: float) -> KeyStore:
        """Make a key store; it does not pause between its look-ups."""
        return KeyStore(
            self.store,
            "/dev/api-keys/",
            lambda: self.now,
            **{"most_keys": 50, "pause_seconds": 0, **limits},  # type: ignore[arg-type]  # numbers
        )

    async def name(self, key_id: str = KNOWN) -> str | None:
        """The name of a key."""
        found = await self.keys.get(key_id)
        return found.name if found else None

    async def settle(self) -> None:
        """Wait for the look-ups in the background."""
        await asyncio.gather(*self.keys._running.values(), return_exceptions=True)

    def run(self, body: Callable[[], Awaitable[_Value]]) -> _Value:
        """Run a test."""

        async def running() -> _Value:
            return await body()

        return asyncio.run(running())


@pytest.fixture
def world() -> Iterator[World]:
    """A key store with one key."""
    world = World()
    yield world
    world.store.open.set()
    world.keys.close()


def test_a_key_is_read_once_for_many_calls(world: World) -> None:
    """Also for those that come while it is being read."""

    async def body() -> None:
        assert await asyncio.gather(*(world.name() for _ in range(100))) == ["first"] * 100
        assert world.keys.is_known(KNOWN)
        assert world.store.calls == [f"/dev/api-keys/{KNOWN}"]

    world.run(body)


def test_a_change_counts_within_thirty_seconds(world: World) -> None:
    """A key that was not used meanwhile is read before it is used again."""

    async def body() -> None:
        await world.name()
        world.store.change("second")
        world.now = 30.0

        assert await world.name() == "second"

    world.run(body)


def test_a_key_in_use_is_renewed_without_a_wait(world: World) -> None:
    """From half the time on; the call itself is answered with what is known."""

    async def body() -> None:
        await world.name()
        world.store.change("second")
        world.store.open.clear()
        world.now = 15.0
        assert await world.name() == "first"
        world.store.open.set()
        await world.settle()

        assert await world.name() == "second"

    world.run(body)


def test_a_deleted_key_is_unknown_within_thirty_seconds(world: World) -> None:
    """And it is not looked up at each call."""

    async def body() -> None:
        await world.name()
        world.store.values.clear()
        world.now = 30.0
        assert await world.name() is None
        count = len(world.store.calls)

        assert await world.name() is None
        assert len(world.store.calls) == count
        world.now = 60.0
        assert await world.name() is None
        assert len(world.store.calls) == count + 1

    world.run(body)


def test_a_known_key_works_for_five_minutes_without_parameter_store(world: World) -> None:
    """Calls do not wait for a store that failed a moment ago."""

    async def body() -> None:
        await world.name()
        world.store.away = True
        for moment in (31.0, 33.0, 299.0):
            world.now = moment
            assert await world.name() == "first"
        assert len(world.store.calls) == 3  # not at 33 s
        world.now = 300.0
        with pytest.raises(TemporaryError):
            await world.name()
        world.store.away = False
        world.now = 306.0
        assert await world.name() == "first"

    world.run(body)


def test_an_unknown_key_is_an_outage_while_parameter_store_is_away(world: World) -> None:
    """It may be valid, so it is not refused as invalid."""
    world.store.away = True

    with pytest.raises(TemporaryError, match="connection refused"):
        world.run(world.name)


def test_calls_do_not_wait_in_line_for_a_store_that_hangs(world: World) -> None:
    """Those behind the first ones fail with them, without a call of their own."""
    world.store.away = True
    world.store.open.clear()

    async def body() -> None:
        waiting = [asyncio.create_task(world.name(f"{n:a>12}")) for n in range(50)]
        await asyncio.sleep(0)
        world.store.open.set()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        assert {type(each) for each in ended} == {TemporaryError}

    world.run(body)
    assert len(world.store.calls) == 10  # the first call


def test_a_flood_of_unknown_keys_leaves_parameter_store_to_the_known_ones(world: World) -> None:
    """They are read ten at a time with a pause, a limited number waits, and known keys do not."""
    world.keys.close()
    world.keys = world.make(pause_seconds=3600)

    async def body() -> None:
        assert await world.name() == "first"
        asked = [asyncio.create_task(world.name(f"{n:a>12}")) for n in range(1050)]
        done, waiting = await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        assert {type(each.exception()) for each in done} == {TooManyUnknownError}
        assert (len(done), len(waiting)) == (50, 1000)
        assert len(world.store.calls) == 1
        world.now = 30.0
        assert await world.name() == "first"
        for each in waiting:
            each.cancel()

    world.run(body)


def test_what_is_remembered_of_unknown_keys_is_bounded(world: World) -> None:
    """The ids that were asked for last."""

    async def body() -> None:
        names = await asyncio.gather(*(world.name(f"{n:a>12}") for n in range(200)))
        assert names == [None] * 200
        assert len(world.keys._unknown) == 50

    world.run(body)


def test_look_ups_of_unknown_keys_that_hang_do_not_delay_a_known_one(world: World) -> None:
    """A known key is read in other threads."""

    async def body() -> None:
        await world.name()
        world.store.open.clear()
        hanging = [asyncio.create_task(world.name(f"{n:a>12}")) for n in range(10)]
        await asyncio.sleep(0)
        world.now = 20.0
        assert await world.name() == "first"
        world.store.open.set()
        assert await asyncio.gather(*hanging) == [None] * 10

    world.run(body)


def test_a_damaged_record_is_an_unknown_key(world: World) -> None:
    """The other keys work."""
    world.store.values[f"/dev/api-keys/{OTHER}"] = "not JSON"

    assert world.run(lambda: world.name(OTHER)) is None
    assert world.run(world.name) == "first"


def test_a_key_that_was_made_after_a_look_up_works_within_thirty_seconds(world: World) -> None:
    """As a new key that is used before it is stored."""

    async def body() -> None:
        assert await world.name(OTHER) is None
        world.store.values[f"/dev/api-keys/{OTHER}"] = record("late").to_json().decode()
        world.now = 30.0

        assert await world.name(OTHER) == "late"

    world.run(body)
