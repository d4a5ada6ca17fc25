"""
API keys: their text, and the record of a key in Parameter Store.

A key is `gk_<id>_<secret>`. Parameter `/<environment>/api-keys/<id>` holds the record as JSON. The
secret has 256 random bits, so its SHA-256 needs neither salt nor stretching.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, ValidationError

from grader.contract.messages import Message, Timestamp

#: Longest name of a key, and longest user id.
MAX_NAME_LENGTH = 128
#: Random bytes that `format_key` takes: for the id, and for the secret.
ID_BYTES, SECRET_BYTES = 8, 32
_PREFIX = "gk"
_ID_LENGTH = 12
_KEY = re.compile(r"gk_([a-z2-7]{12})_([A-Za-z0-9_-]{43})")
_KEY_ID = re.compile(r"[a-z2-7]{12}")
#: Compared with the secret of an unknown key, so that both take the same time.
_NO_HASH = "0" * 64
_Name = Annotated[str, StringConstraints(min_length=1, max_length=MAX_NAME_LENGTH)]


class Scope(StrEnum):
    """What a key allows."""

    SUBMIT = "submit"
    READ_OWN = "read-own"
    READ_ALL = "read-all"
    ADMIN = "admin"


class ApiKeyRecord(Message):
    """
    What is stored of a key; the secret is not.

    `user_id` is the user that all its submissions belong to. A key without one is a service key: it
    names a user in each submission.
    """

    hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(repr=False)
    name: _Name
    user_id: _Name | None = None
    scopes: frozenset[Scope]
    rate_per_minute: Annotated[int, Field(ge=1)] | None = None
    concurrency: Annotated[int, Field(ge=1)] | None = None
    created_at: Timestamp
    expires_at: Timestamp | None = None
    revoked_at: Timestamp | None = None

    def problem(self, now: datetime) -> str:
        """Why the key is not valid at a time, such as `revoked`; "" when it is."""
        if self.revoked_at is not None:
            return f"was revoked at {self.revoked_at:%Y-%m-%dT%H:%M:%SZ}"
        if self.expires_at is not None and self.expires_at <= now:
            return f"expired at {self.expires_at:%Y-%m-%dT%H:%M:%SZ}"
        return ""


def format_key(id_bytes: bytes, secret_bytes: bytes) -> tuple[str, str, str]:
    """
    Make a key of random bytes.

    Args:
        id_bytes: `ID_BYTES` random bytes.
        secret_bytes: `SECRET_BYTES` random bytes.

    Returns:
        The id, the secret and the text of the key.
    """
    key_id = base64.b32encode(id_bytes).decode().lower()[:_ID_LENGTH]
    secret = base64.urlsafe_b64encode(secret_bytes).decode().rstrip("=")
    return key_id, secret, f"{_PREFIX}_{key_id}_{secret}"


def parse_key(text: str) -> tuple[str, str] | None:
    """Split a key into id and secret; None if the text is not a key."""
    found = _KEY.fullmatch(text)
    return (found[1], found[2]) if found else None


def is_name(text: str) -> bool:
    """Whether a text can be the name of a key or a user id; none of them can break a log line."""
    return 1 <= len(text) <= MAX_NAME_LENGTH and text.isprintable()


def is_key_id(text: str) -> bool:
    """Whether a text is the id of a key."""
    return _KEY_ID.fullmatch(text) is not None


def hash_secret(secret: str) -> str:
    """Hash a secret as its record holds it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret_of(record: ApiKeyRecord | None, secret: str) -> bool:
    """Whether a secret is that of a record; takes as long for None, and for any wrong secret."""
    expected = record.hash if record else _NO_HASH
    same = hmac.compare_digest(hash_secret(secret), expected)
    return same and record is not None


def parse_record(text: str) -> ApiKeyRecord | None:
    """Read a record; None if it is not one: such a key is refused, and the others work."""
    try:
        return ApiKeyRecord.model_validate_json(text)
    except ValidationError:
        return None
