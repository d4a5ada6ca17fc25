"""
Verifies the tokens of an OpenID Connect issuer (JWT).

Only signatures with RS256 and ES256 count, by a key of the issuer's key set. A token without
signature, or one with HS256 whose "secret" is the public key, is refused before any key is looked
up.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import jwt

from grader.contract.api_keys import is_name
from grader.errors import GraderError, TemporaryError

#: Fetches the document at an https URL; raises `TemporaryError`.
Fetch = Callable[[str], Awaitable[bytes]]

ALGORITHMS: Final = ("RS256", "ES256")
LEEWAY_SECONDS = 60
_RENEW_SECONDS = 600.0
_WAIT_SECONDS = 1200.0
_STALE_SECONDS = 86_400.0
_PAUSE_SECONDS = 60.0
_LONGEST_TOKEN = 8192
_REQUIRED = ("exp", "iss", "aud", "sub")
_WHERE = "token issuer"


class TokenError(GraderError):
    """A token is not valid; the text may be shown to its bearer."""


@dataclass(frozen=True)
class Issuer:
    """
    Whose tokens are accepted, and for whom they must be.

    Args:
        url: The issuer, an https URL; `iss` of its tokens.
        audience: `aud` of its tokens.
        user_claim: The claim that is the user id.
    """

    url: str
    audience: str
    user_claim: str = "sub"


class TokenVerifier:
    """
    Verifies tokens with the key set of an issuer.

    The key set is found by discovery. It is read again every ten minutes in the background, and for
    an unknown key, at most once a minute. While the issuer is away, the old one is used for a day.

    Args:
        issuer: The issuer.
        fetch: Fetches its documents.
        clock: Monotonic seconds.
    """

    def __init__(self, issuer: Issuer, fetch: Fetch, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._clock = clock
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")
        self._tried_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    @property
    def issuer_url(self) -> str:
        """The URL of the issuer."""
        return self._issuer.url

    async def verify(self, token: str) -> str:
        """
        Return the user id of a token.

        Raises:
            TokenError: It is not valid.
            TemporaryError: The issuer is unreachable, and its keys are not known.
        """
        try:
            key = await self._key_of(token)
            claims = jwt.decode(
                token,
                key=key,
                algorithms=[key.algorithm_name],
                audience=self._issuer.audience,
                issuer=self._issuer.url,
                leeway=LEEWAY_SECONDS,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.PyJWTError, ValueError) as error:
            raise TokenError(f"invalid token: {error}") from None
        user = claims.get(self._issuer.user_claim)
        if not (isinstance(user, str) and is_name(user)):
            raise TokenError(f"invalid token: the claim {self._issuer.user_claim} is not a user id")
        return user

    async def _key_of(self, token: str) -> jwt.PyJWK:
        """The key that signed a token, by the id in its header."""
        if len(token) > _LONGEST_TOKEN:
            raise TokenError(f"invalid token: longer than {_LONGEST_TOKEN} characters")
        header = jwt.get_unverified_header(token)
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise TokenError(f"invalid token: the algorithm must be {' or '.join(ALGORITHMS)}")
        if not isinstance(key_id, str):
            raise TokenError("invalid token: no key id")
        await self._renew_if_needed(key_id)
        key = self._keys.get(key_id)
        if key is None or key.algorithm_name != algorithm:
            raise TokenError("invalid token: the issuer has no such key")
        return key

    async def _renew_if_needed(self, key_id: str) -> None:
        """Read the key set if it is old or lacks a key; a known key in use does not wait for it."""
        age = self._clock() - self._read_at
        known = key_id in self._keys
        if known and age < _RENEW_SECONDS:
            return
        task = self._start_reading()
        if known and age < _WAIT_SECONDS:
            return
        if task is not None:
            await asyncio.shield(task)
        if self._clock() - self._read_at >= _STALE_SECONDS:
            raise TemporaryError("the issuer of tokens is unreachable", where=_WHERE)

    def _start_reading(self) -> asyncio.Task[None] | None:
        """Return the running look-up, or start one; the last one, maybe ended, within a minute."""
        now = self._clock()
        running = self._task is not None and not self._task.done()
        if not running and now - self._tried_at >= _PAUSE_SECONDS:
            self._tried_at = now
            self._task = asyncio.create_task(self._renew())
        return self._task

    async def _renew(self) -> None:
        with suppress(TemporaryError):  # the old keys stay, until they are too old
            self._keys = await self._read()
            self._read_at = self._clock()

    async def _read(self) -> dict[str, jwt.PyJWK]:
        """Read the key set; keys of other kinds are left out."""
        url = self._issuer.url.rstrip("/") + "/.well-known/openid-configuration"
        discovery = _object(await self._fetch(url), url)
        if discovery.get("issuer") != self._issuer.url:
            raise TemporaryError(f"{url} is of another issuer", where=_WHERE)
        address = discovery.get("jwks_uri")
        if not (isinstance(address, str) and address.startswith("https://")):
            raise TemporaryError(f"{url}: jwks_uri is not an https address", where=_WHERE)
        entries = _object(await self._fetch(address), address).get("keys")
        found = [_usable(entry) for entry in entries] if isinstance(entries, list) else []
        return {key.key_id: key for key in found if key is not None and key.key_id}


def _object(body: bytes, url: str) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise TemporaryError(f"{url} is not a JSON object", where=_WHERE)
    return document


def _usable(entry: object) -> jwt.PyJWK | None:
    """A key for signatures with one of our algorithms; None for any other entry."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        key = jwt.PyJWK(entry)
    except jwt.PyJWTError:
        return None
    return key if key.algorithm_name in ALGORITHMS else None
