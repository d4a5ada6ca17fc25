"""Tokens of an issuer: only those that it signed, for us, and that are valid now."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from grader.api.auth.tokens import Issuer, TokenError, TokenVerifier
from grader.errors import TemporaryError

ISSUER = "https://login.example.com/realm"
DISCOVERY = f"{ISSUER}/.well-known/openid-configuration"
KEYS = "https://login.example.com/keys"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def entry(key: Any, kid: str) -> dict[str, Any]:
    """The entry of a key in a key set."""
    kind = jwt.algorithms.RSAAlgorithm if key is RSA_KEY else jwt.algorithms.ECAlgorithm
    document: dict[str, Any] = kind.to_jwk(key.public_key(), as_dict=True)
    return {**document, "kid": kid, "use": "sig"}


class World:
    """An issuer, and a verifier with a clock that the test turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.away = False
        self.fetched: list[str] = []
        self.documents: dict[str, Any] = {
            DISCOVERY: {"issuer": ISSUER, "jwks_uri": KEYS},
            KEYS: {"keys": [entry(RSA_KEY, "r1"), entry(EC_KEY, "e1"), {"kty": "new"}, 7]},
        }
        self.verifier = TokenVerifier(Issuer(ISSUER, "grading"), self.fetch, lambda: self.now)

    async def fetch(self, url: str) -> bytes:
        """Fetch a document."""
        self.fetched.append(url)
        if self.away:
            raise TemporaryError("connection refused", where=url)
        return json.dumps(self.documents[url]).encode()

    def verify(self, *tokens: str) -> list[str]:
        """Verify tokens, one after the other."""

        async def body() -> list[str]:
            return [await self.verifier.verify(token) for token in tokens]

        return asyncio.run(body())


@pytest.fixture
def world() -> World:
    """An issuer with two keys."""
    return World()


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a valid token; those that are None are left out."""
    now = int(time.time())
    base = {"iss": ISSUER, "aud": "grading", "sub": "kim", "exp": now + 300, "iat": now}
    return {name: value for name, value in {**base, **changed}.items() if value is not None}


def token(
    key: Any = RSA_KEY, algorithm: str = "RS256", kid: str | None = "r1", **changed: Any
) -> str:
    """A signed token."""
    headers = {"kid": kid} if kid else {}
    return jwt.encode(claims(**changed), key, algorithm, headers=headers)


def unsigned(header: dict[str, Any], signature: bytes = b"", **changed: Any) -> str:
    """A token with any header and signature."""
    parts = [json.dumps(header).encode(), json.dumps(claims(**changed)).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def test_a_token_of_the_issuer_names_its_user(world: World) -> None:
    """Signed with either algorithm; the keys are fetched once."""
    assert world.verify(token(), token(EC_KEY, "ES256", "e1")) == ["kim", "kim"]
    assert world.fetched == [DISCOVERY, KEYS]


def test_a_token_without_signature_is_refused(world: World) -> None:
    """`alg: none` in any spelling, before a key is looked up."""
    for name in ("none", "None", "NONE", "nOnE", ""):
        with pytest.raises(TokenError, match="algorithm"):
            world.verify(unsigned({"alg": name, "kid": "r1", "typ": "JWT"}))
    assert world.fetched == []


def test_a_token_signed_with_the_public_key_as_secret_is_refused(world: World) -> None:
    """HS256 with the PEM of the RSA key, which everyone can read."""
    public = RSA_KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    start = unsigned({"alg": "HS256", "kid": "r1"}).rpartition(".")[0]
    signature = hmac.new(public, start.encode(), hashlib.sha256).digest()
    forged = f"{start}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"

    with pytest.raises(TokenError, match="algorithm"):
        world.verify(forged)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"aud": "another"}, "[Aa]udience"),
        ({"aud": None}, "aud"),
        ({"iss": "https://evil.example.com"}, "[Ii]ssuer"),
        ({"exp": 1}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": 4_000_000_000}, "not yet valid"),
        ({"sub": None}, "sub"),
        ({"sub": ""}, "user id"),
        ({"sub": "a\nb"}, "user id"),
        ({"sub": "x" * 129}, "user id"),
    ],
)
def test_a_token_with_other_claims_is_refused(
    world: World, changed: dict[str, Any], reason: str
) -> None:
    """The error says which claim."""
    with pytest.raises(TokenError, match=reason):
        world.verify(token(**changed))


def test_clocks_may_differ_by_a_minute(world: World) -> None:
    """Not by two."""
    now = int(time.time())
    assert world.verify(token(exp=now - 50), token(nbf=now + 50)) == ["kim", "kim"]

    for changed in ({"exp": now - 120}, {"nbf": now + 120}):
        with pytest.raises(TokenError):
            world.verify(token(**changed))


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c", "..", "é.é.é", "e30.e30.", "A" * 9000, "bnVsbA.e30.x"]
)
def test_a_text_that_is_not_a_token_is_refused(world: World, text: str) -> None:
    """It is an invalid token, never an error of the service."""
    with pytest.raises(TokenError, match="invalid token"):
        world.verify(text)


def test_a_token_of_another_key_is_refused(world: World) -> None:
    """One with the id of ours, one with the wrong algorithm for it, and one without an id."""
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    for forged in (token(other), token(EC_KEY, "ES256", "r1"), token(kid=None)):
        with pytest.raises(TokenError):
            world.verify(forged)


def test_a_changed_token_is_refused(world: World) -> None:
    """The signature covers the claims."""
    head, _, tail = token().split(".")
    body = unsigned({}, sub="admin").split(".")[1]

    with pytest.raises(TokenError, match=r"[Ss]ignature"):
        world.verify(f"{head}.{body}.{tail}")


def test_an_unknown_key_is_looked_up_at_most_once_a_minute(world: World) -> None:
    """Forged ids do not make calls of the issuer; a new key works after a minute."""
    world.verify(token())
    world.now = 61.0
    world.documents[KEYS]["keys"].append({**entry(RSA_KEY, "r2")})
    assert world.verify(token(kid="r2")) == ["kim"]
    count = len(world.fetched)
    for number in range(20):
        with pytest.raises(TokenError, match="no such key"):
            world.verify(token(kid=f"forged{number}"))

    assert len(world.fetched) == count


def test_known_keys_work_for_a_day_without_the_issuer(world: World) -> None:
    """Then they may have been withdrawn."""
    world.verify(token())
    world.away = True
    for moment in (700.0, 4000.0, 86_000.0):
        world.now = moment
        assert world.verify(token()) == ["kim"]
    world.now = 86_500.0

    with pytest.raises(TemporaryError):
        world.verify(token())


def test_an_issuer_that_was_never_reached_is_an_outage(world: World) -> None:
    """The token may be valid; the issuer is asked again after a minute."""
    world.away = True
    for _ in range(3):
        with pytest.raises(TemporaryError):
            world.verify(token())
    assert world.fetched == [DISCOVERY]
    world.away, world.now = False, 60.0

    assert world.verify(token()) == ["kim"]


@pytest.mark.parametrize(
    "document",
    [
        {"issuer": "https://evil.example.com", "jwks_uri": KEYS},
        {"issuer": ISSUER, "jwks_uri": "http://login.example.com/keys"},
        {"issuer": ISSUER, "jwks_uri": "file:///etc/passwd"},
        {"issuer": ISSUER},
        [],
    ],
)
def test_a_discovery_document_of_another_form_is_an_outage(world: World, document: Any) -> None:
    """Keys come from the configured issuer, over https."""
    world.documents[DISCOVERY] = document

    with pytest.raises(TemporaryError):
        world.verify(token())


def test_a_withdrawn_key_is_refused(world: World) -> None:
    """After ten minutes in use, or at the next call after twenty."""
    world.verify(token())
    world.documents[KEYS]["keys"] = [entry(EC_KEY, "e1")]
    world.now = 1200.0

    with pytest.raises(TokenError, match="no such key"):
        world.verify(token())
