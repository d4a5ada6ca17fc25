"""Checks credentials, and the rate and the number of open calls of each key."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from starlette.requests import HTTPConnection

from grader.api.auth import Caller, Scope
from grader.api.auth.addresses import client_address
from grader.api.auth.keys import KeyStore, TooManyUnknownError
from grader.api.auth.rates import OpenRequests, RateLimiter, RateState
from grader.api.auth.tokens import TokenError, TokenVerifier
from grader.api.errors import ApiError, Kind
from grader.contract.api_keys import ApiKeyRecord, is_secret_of, parse_key
from grader.errors import TemporaryError

_KEY_START = "gk_"
_FAILURES_A_MINUTE = 60
#: Keys of one address that may wait for their first look-up, such as those of a lecture hall.
_MOST_NEW_KEYS = 300
_CHALLENGE = {"www-authenticate": 'Bearer realm="grading"'}
_RETRY_SECONDS = 5


@dataclass(frozen=True)
class GateSettings:
    """
    Limits of callers who have none of their own.

    Args:
        rate_per_minute: Calls a minute; as many may come at once.
        concurrency: Calls that may be open at the same time, streams included.
        token_scopes: What the bearer of a token may do.
        trusted_proxies: Proxies in front of the API that append to X-Forwarded-For.
    """

    rate_per_minute: int
    concurrency: int
    token_scopes: frozenset[Scope] = field(
        default_factory=lambda: frozenset({Scope.SUBMIT, Scope.READ_OWN})
    )
    trusted_proxies: int = 0


class ApiGate:
    """
    `grader.api.auth.Gate` with API keys, and tokens where an issuer is configured.

    Rates and open calls are counted in this process: with N instances a key has up to N times as
    many.

    Args:
        keys: The records of the keys.
        settings: Limits.
        clock: Monotonic seconds.
        now: The time, in UTC.
        tokens: Verifies tokens; None: they are not accepted.
    """

    def __init__(
        self,
        keys: KeyStore,
        settings: GateSettings,
        *,
        clock: Callable[[], float],
        now: Callable[[], datetime],
        tokens: TokenVerifier | None = None,
    ) -> None:
        self._keys = keys
        self._settings = settings
        self._now = now
        self._tokens = tokens
        self._rates = RateLimiter(clock)
        self._failures = RateLimiter(clock)
        self._open = OpenRequests()
        self._new_keys = OpenRequests()

    @asynccontextmanager
    async def admit(self, call: HTTPConnection) -> AsyncIterator[Caller]:
        """Check the credentials of a call and its limits; raises as `Gate.admit`."""
        caller = await self._authenticate(call)
        call.scope["rate"] = self._count(caller, 1)
        if not self._open.enter(caller.key_id, caller.concurrency):
            raise ApiError(
                Kind.TOO_MANY_CALLS,
                f"{caller.concurrency} calls of this key are open",
                next_step="end some, such as streams of events, or ask for a higher limit",
                retry_after=1,
            )
        try:
            yield caller
        finally:
            self._open.leave(caller.key_id)

    def charge(self, caller: Caller, cost: int) -> RateState:
        """Count more calls of an admitted caller; raises as `Gate.charge`."""
        return self._count(caller, cost, taken=1)

    def _count(self, caller: Caller, cost: int, taken: int = 0) -> RateState:
        state = self._rates.take(caller.key_id, caller.rate_per_minute, cost, taken)
        if not state.allowed:
            raise ApiError(
                Kind.RATE_LIMITED,
                f"this key may make {caller.rate_per_minute} calls a minute",
                next_step=f"repeat it after {state.retry_seconds} s",
                headers=_as_text(state),
            )
        return state

    def close(self) -> None:
        """End the threads of the key store."""
        self._keys.close()

    async def _authenticate(self, call: HTTPConnection) -> Caller:
        text = _credentials(call.headers)
        if not text:
            raise _refusal(
                "the call has no API key", "send it as: Authorization: Bearer gk_... or X-Api-Key"
            )
        address = client_address(call.scope, self._settings.trusted_proxies)
        try:
            if self._tokens is not None and not text.startswith(_KEY_START):
                return await self._by_token(self._tokens, text)
            return await self._by_key(text, address)
        except ApiError as error:
            if error.kind is Kind.UNAUTHENTICATED:
                self._failures.take(address, _FAILURES_A_MINUTE)
            raise
        except TooManyUnknownError as error:
            raise _flooded() from error
        except TemporaryError as error:
            raise ApiError(
                Kind.UNAVAILABLE,
                "the credentials cannot be checked at the moment",
                next_step="repeat the call",
                retry_after=_RETRY_SECONDS,
            ) from error

    async def _by_key(self, text: str, address: str) -> Caller:
        parts = parse_key(text)
        if parts is None:
            raise _invalid()
        key_id, secret = parts
        if self._keys.is_known(key_id):
            record = await self._keys.get(key_id)
        else:
            record = await self._first_look_up(key_id, address)
        if not is_secret_of(record, secret) or record is None:
            raise _invalid()
        if problem := record.problem(self._now()):
            raise _refusal(f"the API key {key_id} {problem}", "ask an operator for another key")
        return Caller(
            key_id=key_id,
            user_id=record.user_id,
            scopes=record.scopes,
            name=record.name,
            rate_per_minute=record.rate_per_minute or self._settings.rate_per_minute,
            concurrency=record.concurrency or self._settings.concurrency,
            id_secret=record.hash,
        )

    async def _first_look_up(self, key_id: str, address: str) -> ApiKeyRecord | None:
        """Look up an id that may be a guess; an address has a limited number of them."""
        if self._failures.is_empty(address, _FAILURES_A_MINUTE):
            raise _flooded()
        if not self._new_keys.enter(address, _MOST_NEW_KEYS):
            raise _flooded()
        try:
            return await self._keys.get(key_id)
        finally:
            self._new_keys.leave(address)

    async def _by_token(self, tokens: TokenVerifier, text: str) -> Caller:
        try:
            user = await tokens.verify(text)
        except TokenError as error:
            raise _refusal(error.what, "sign in again, or send an API key") from None
        return Caller(
            key_id=f"{tokens.issuer_url}|{user}",
            user_id=user,
            scopes=self._settings.token_scopes,
            name=user,
            rate_per_minute=self._settings.rate_per_minute,
            concurrency=self._settings.concurrency,
        )


def _credentials(headers: Mapping[str, str]) -> str:
    """The key or token of a call; empty without one."""
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    return headers.get("x-api-key", "").strip()


def _refusal(detail: str, next_step: str) -> ApiError:
    return ApiError(Kind.UNAUTHENTICATED, detail, next_step=next_step, headers=_CHALLENGE)


def _invalid() -> ApiError:
    """The same answer for a text that is not a key, an unknown id, and a wrong secret."""
    return _refusal("the API key is not valid", "check that the whole key was copied")


def _flooded() -> ApiError:
    return ApiError(
        Kind.RATE_LIMITED,
        "too many calls with keys that are not known",
        next_step="check the key, and repeat the call",
        retry_after=_RETRY_SECONDS,
    )


def _as_text(state: RateState) -> dict[str, str]:
    return {name.decode(): value.decode() for name, value in state.headers()}
