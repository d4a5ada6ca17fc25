"""The gate: who is let in, at which rate, and what a refusal says."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from starlette.requests import HTTPConnection

from grader.api.auth import Caller, Scope
from grader.api.auth.addresses import client_address
from grader.api.auth.gate import ApiGate, GateSettings
from grader.api.auth.keys import KeyStore
from grader.api.auth.tokens import Issuer, TokenVerifier
from grader.api.errors import ApiError, Kind
from grader.contract.api_keys import ID_BYTES, SECRET_BYTES, ApiKeyRecord, format_key, hash_secret
from grader.errors import TemporaryError
from grader.testing.stores import MemoryParameterStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class AwayStore(MemoryParameterStore):
    """A parameter store that may be away, and has no call of an id that is not one."""

    away = False

    def find_many(self, names: Any) -> dict[str, str]:
        """Read as the fake does."""
        if self.away:
            raise TemporaryError("connection refused", where="SSM")
        return super().find_many(names)


class World:
    """A gate with keys, and a clock that the test turns."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.store = AwayStore()
        self.keys = KeyStore(self.store, "/dev/api-keys/", lambda: self.seconds, pause_seconds=0)
        self.gate = self.make()

    def make(self, settings: GateSettings | None = None, **more: Any) -> ApiGate:
        """Make a gate."""
        chosen = settings or GateSettings(rate_per_minute=1000, concurrency=10)
        return ApiGate(
            self.keys,
            chosen,
            clock=lambda: self.seconds,
            now=lambda: NOW + timedelta(seconds=self.seconds),
            **more,
        )

    def add(self, number: int, **fields: Any) -> str:
        """Store a key; returns its text."""
        key_id, secret, text = format_key(number.to_bytes(ID_BYTES, "little"), bytes(SECRET_BYTES))
        given = {"name": f"key {number}", "scopes": {Scope.SUBMIT}, "created_at": NOW}
        record = ApiKeyRecord(**{"hash": hash_secret(secret), **given, **fields})
        self.store.values[f"/dev/api-keys/{key_id}"] = record.to_json().decode()
        return text

    def admit(self, headers: dict[str, str], address: str = "192.0.2.1") -> Caller:
        """One call."""

        async def body() -> Caller:
            async with self.gate.admit(call(headers, address)) as caller:
                return caller

        return asyncio.run(body())

    def refusal(self, headers: dict[str, str], address: str = "192.0.2.1") -> ApiError:
        """One call that is refused."""
        with pytest.raises(ApiError) as caught:
            self.admit(headers, address)
        return caught.value


def call(headers: dict[str, str], address: str = "192.0.2.1") -> HTTPConnection:
    """A call with these headers."""
    raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    return HTTPConnection({"type": "http", "headers": raw, "client": (address, 1), "path": "/v1"})


def guess(number: int) -> str:
    """A key that was never made."""
    return format_key((1 << 63 | number).to_bytes(ID_BYTES, "little"), bytes(SECRET_BYTES))[2]


def bearer(text: str) -> dict[str, str]:
    """The header with a key."""
    return {"Authorization": f"Bearer {text}"}


@pytest.fixture
def world() -> Iterator[World]:
    """A gate without keys."""
    world = World()
    yield world
    world.gate.close()


def test_a_key_is_taken_from_either_header(world: World) -> None:
    """With its user, its scopes and its limits."""
    key = world.add(1, user_id="kim", rate_per_minute=7)

    for headers in (bearer(key), {"authorization": f"bearer  {key}"}, {"X-Api-Key": key}):
        caller = world.admit(headers)

        assert (caller.user_id, caller.name) == ("kim", "key 1")
        assert (caller.rate_per_minute, caller.concurrency) == (7, 10)
        assert caller.has(Scope.SUBMIT)
        assert not caller.has(Scope.READ_OWN, Scope.READ_ALL, Scope.ADMIN)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Basic Z2s6eA=="}, {"Authorization": "Bearer "}, {"X-Api-Key": " "}],
)
def test_a_call_without_a_key_is_refused(world: World, headers: dict[str, str]) -> None:
    """401 with a challenge, and how to send a key."""
    error = world.refusal(headers)

    assert error.kind is Kind.UNAUTHENTICATED
    assert error.headers["www-authenticate"].startswith("Bearer")


def test_every_wrong_key_has_the_same_answer(world: World) -> None:
    """Not a key, an unknown id, a wrong secret: nothing shows which ids exist."""
    key = world.add(1)
    wrong = [key[:-1] + "B", "gk_aaaaaaaaaaaa_" + "A" * 43, "gk_", "x", key + "x", key.upper()]

    answers = {world.refusal(bearer(text)).body("") for text in wrong}

    assert len(answers) == 1
    assert b"not valid" in answers.pop()


def test_an_expired_or_revoked_key_is_refused_with_the_reason(world: World) -> None:
    """Only its holder sees that; with a wrong secret it is as any wrong key."""
    expired = world.add(1, expires_at=NOW - timedelta(seconds=1))
    revoked = world.add(2, revoked_at=NOW)

    assert "expired at" in world.refusal(bearer(expired)).what
    assert "was revoked at" in world.refusal(bearer(revoked)).what
    assert "not valid" in world.refusal(bearer(revoked[:-1] + "B")).what


def test_a_key_that_is_revoked_is_refused_within_thirty_seconds(world: World) -> None:
    """Also if it was in use until then."""
    key = world.add(1)
    world.admit(bearer(key))
    world.add(1, revoked_at=NOW)
    world.seconds = 30.0

    assert world.refusal(bearer(key)).kind is Kind.UNAUTHENTICATED


def test_ids_of_requests_depend_on_the_hash_of_the_key(world: World) -> None:
    """Which callers do not know; see test_idempotency."""
    assert world.admit(bearer(world.add(1))).id_secret == hash_secret(
        base64.urlsafe_b64encode(bytes(SECRET_BYTES)).decode().rstrip("=")
    )


def test_a_key_has_its_rate(world: World) -> None:
    """429 says when to come back; other keys are not affected."""
    key, other = world.add(1, rate_per_minute=3), world.add(2)
    for _ in range(3):
        world.admit(bearer(key))

    error = world.refusal(bearer(key))

    assert error.kind is Kind.RATE_LIMITED
    assert error.headers["retry-after"] == "20"
    assert error.headers["ratelimit"] == '"key";r=0;t=60'
    world.admit(bearer(other))
    world.seconds = 20.0
    world.admit(bearer(key))


def test_a_batch_counts_as_its_submissions(world: World) -> None:
    """Or the rate could be avoided by batches."""
    caller = world.admit(bearer(world.add(1, rate_per_minute=10)))
    world.gate.charge(caller, 9)

    with pytest.raises(ApiError) as caught:
        world.gate.charge(caller, 1)
    assert caught.value.kind is Kind.RATE_LIMITED


@pytest.mark.parametrize("rate", [2, 20, 600])
def test_a_batch_above_the_rate_passes_after_the_time_in_retry_after(
    world: World, rate: int
) -> None:
    """It counts as the calls of a minute, with the one that brings it."""
    key = world.add(1, rate_per_minute=rate)
    world.gate.charge(world.admit(bearer(key)), 999)

    world.seconds += 60 / rate
    caller = world.admit(bearer(key))
    with pytest.raises(ApiError) as caught:
        world.gate.charge(caller, 999)
    world.seconds += float(caught.value.headers["retry-after"])
    world.gate.charge(world.admit(bearer(key)), 999)


def test_a_key_has_a_number_of_open_calls(world: World) -> None:
    """A call counts until it ends, also when it fails."""
    key = world.add(1, concurrency=2)

    async def body() -> None:
        async with AsyncExitStack() as stack:
            for _ in range(2):
                await stack.enter_async_context(world.gate.admit(call(bearer(key))))
            with pytest.raises(ApiError) as caught:
                await stack.enter_async_context(world.gate.admit(call(bearer(key))))
            assert caught.value.kind is Kind.TOO_MANY_CALLS
        with pytest.raises(ZeroDivisionError):
            async with world.gate.admit(call(bearer(key))):
                raise ZeroDivisionError

    asyncio.run(body())
    assert world.gate._open._open == {}


def test_an_address_that_guesses_is_slowed_and_holders_of_keys_are_not(world: World) -> None:
    """Many students share an address; a key that is known works, whatever else comes from there."""
    key = world.add(1)
    world.admit(bearer(key))

    kinds = [world.refusal(bearer(guess(number))).status for number in range(70)]

    assert kinds == [401] * 60 + [429] * 10
    world.admit(bearer(key))
    assert world.refusal(bearer(f"gk_{'a' * 12}_{'A' * 43}"), "192.0.2.2").status == 401


def test_first_calls_of_valid_keys_are_let_in_while_others_guess(world: World) -> None:
    """As after a deployment: no key is known, and addresses send thousands of ids that are none."""
    keys = [world.add(number, user_id=f"student {number}") for number in range(300)]

    async def admitted(key: str, address: str) -> str | None:
        async with world.gate.admit(call(bearer(key), address)) as caller:
            return caller.user_id

    async def body() -> None:
        guesses = [admitted(guess(number), f"192.0.2.{number % 2}") for number in range(4000)]
        valid = [admitted(key, "198.51.100.1") for key in keys]
        found = await asyncio.gather(*guesses, *valid, return_exceptions=True)
        assert {type(each) for each in found[:4000]} == {ApiError}
        assert found[4000:] == [f"student {number}" for number in range(300)]
        assert await admitted(keys[0], "192.0.2.1") == "student 0"

    asyncio.run(body())


def test_a_key_cannot_be_checked_while_parameter_store_is_away(world: World) -> None:
    """503 with Retry-After, and not 401: the key may be valid."""
    key = world.add(1)
    world.store.away = True

    error = world.refusal(bearer(key))

    assert (error.status, error.headers["retry-after"]) == (503, "5")


def test_a_token_is_refused_where_no_issuer_is_configured(world: World) -> None:
    """As any text that is not a key."""
    assert world.refusal(bearer("e30.e30.e30")).kind is Kind.UNAUTHENTICATED


def test_a_token_is_not_taken_without_its_signature(world: World) -> None:
    """`alg: none` ends at the gate, and an unreachable issuer is 503."""

    async def fetch(url: str) -> bytes:
        raise TemporaryError("away", where=url)

    issuer = Issuer("https://login.example.com", "grading")
    tokens = TokenVerifier(issuer, fetch, lambda: world.seconds)
    world.gate = world.make(tokens=tokens)

    def with_header(**header: str) -> str:
        text = base64.urlsafe_b64encode(json.dumps(header).encode()).decode().rstrip("=")
        return f"{text}.e30.AAAA"

    none = world.refusal(bearer(with_header(alg="none", kid="1")))
    assert none.kind is Kind.UNAUTHENTICATED
    assert world.refusal(bearer(with_header(alg="RS256", kid="1"))).status == 503


def test_the_address_of_a_client_is_what_the_last_trusted_proxy_saw() -> None:
    """What the client writes into the header itself is not believed."""
    scope = dict(call({"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}, "10.0.0.5").scope)

    assert client_address(scope, 0) == "10.0.0.5"
    assert client_address(scope, 1) == "198.51.100.7"
    assert client_address(scope, 2) == "203.0.113.9"
    assert client_address(scope, 3) == "10.0.0.5"
    assert client_address({"headers": [], "client": None}, 1) == ""
