"""Keys of the HTTP API in Parameter Store: making, listing and revoking them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from gradectl.adapters.aws.account import Aws
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, UsageError
from grader.contract.api_keys import (
    ID_BYTES,
    SECRET_BYTES,
    ApiKeyRecord,
    Scope,
    format_key,
    hash_secret,
    is_key_id,
    parse_key,
    parse_record,
)
from grader.contract.names import parameter_name

_PART = "api-keys"


@dataclass(frozen=True)
class NewKey:
    """
    What a new key is for.

    Attributes:
        name: What it is called in lists and logs, such as `course-42`.
        user_id: The user that its submissions belong to; None for a service key.
        scopes: What it allows; empty for the usual ones.
        rate_per_minute: Calls a minute; None for the default of the API.
        concurrency: Open calls; None for the default of the API.
        expires_at: When it ends; None: never.
    """

    name: str
    user_id: str | None = None
    scopes: frozenset[Scope] = frozenset()
    rate_per_minute: int | None = None
    concurrency: int | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True)
class StoredKey:
    """A key in Parameter Store; `record` is None if it is damaged, so that the API refuses it."""

    key_id: str
    record: ApiKeyRecord | None

    def state(self, now: datetime) -> str:
        """`valid`, or why the API refuses it."""
        return (
            "the record is damaged" if self.record is None else self.record.problem(now) or "valid"
        )


def plan_key(wanted: NewKey, now: datetime) -> NewKey:
    """
    Fill in the usual scopes, and check the others.

    Raises:
        UsageError: The key could never be used as it is.
    """
    read = Scope.READ_OWN if wanted.user_id else Scope.READ_ALL
    scopes = wanted.scopes or frozenset({Scope.SUBMIT, read})
    if Scope.READ_OWN in scopes and not wanted.user_id:
        raise UsageError(
            "a key without a user has no submissions of its own to read",
            where="--scope read-own",
            next_step="name the user with --user, or use --scope read-all",
        )
    if wanted.expires_at is not None and wanted.expires_at <= now:
        text = f"{wanted.expires_at:%Y-%m-%dT%H:%M:%SZ} has passed"
        raise UsageError(text, where="--expires", next_step="give a later time, such as 90d")
    return NewKey(
        wanted.name,
        wanted.user_id,
        scopes,
        wanted.rate_per_minute,
        wanted.concurrency,
        wanted.expires_at,
    )


def create_key(
    aws: Aws, environment: Environment, wanted: NewKey, now: datetime
) -> tuple[StoredKey, str]:
    """
    Make a key, and store its hash.

    Args:
        aws: The account.
        environment: The environment.
        wanted: From `plan_key`.
        now: The time.

    Returns:
        The stored key, and its text, which is stored nowhere.
    """
    key_id, secret, text = format_key(os.urandom(ID_BYTES), os.urandom(SECRET_BYTES))
    record = ApiKeyRecord(
        hash=hash_secret(secret),
        name=wanted.name,
        user_id=wanted.user_id,
        scopes=wanted.scopes,
        rate_per_minute=wanted.rate_per_minute,
        concurrency=wanted.concurrency,
        created_at=now,
        expires_at=wanted.expires_at,
    )
    aws.parameter_store.write_secret(
        parameter_name(environment.name, _PART, key_id),
        record.to_json().decode(),
        current=None,
        key_id=environment.variables.get("kms_key_arn"),
    )
    return StoredKey(key_id, record), text


@contextmanager
def temporary_key(aws: Aws, environment: Environment, wanted: NewKey) -> Iterator[str]:
    """Make a key for the block, and delete it afterwards; yields its text."""
    stored, text = create_key(aws, environment, wanted, datetime.now(UTC).replace(microsecond=0))
    try:
        yield text
    finally:
        aws.parameter_store.delete(parameter_name(environment.name, _PART, stored.key_id))


def list_keys(aws: Aws, environment: Environment) -> list[StoredKey]:
    """Read all keys of an environment, the oldest first."""
    prefix = parameter_name(environment.name, _PART, "")
    found = aws.parameter_store.below(prefix)
    keys = [
        StoredKey(name.removeprefix(prefix), parse_record(value)) for name, value in found.items()
    ]
    start = datetime.min.replace(tzinfo=UTC)
    return sorted(
        keys, key=lambda key: (key.record.created_at if key.record else start, key.key_id)
    )


def delete_keys(aws: Aws, environment: Environment) -> int:
    """
    Delete all keys of a destroyed environment, or they would work again once it is made anew.

    Returns:
        How many there were.
    """
    names = aws.parameter_store.names_below(parameter_name(environment.name, _PART, ""))
    for name in names:
        aws.parameter_store.delete(name)
    return len(names)


def key_id_of(word: str) -> str:
    """
    Return the id in an argument: an id, or `gk_` and the id.

    Raises:
        UsageError: It is neither. For a whole key the error names the id, and not the secret.
    """
    if key := parse_key(word):
        raise UsageError(
            "this is a whole key, which is now in the history of the shell",
            where="KEY_ID",
            next_step=f"the id is enough: gradectl api-key revoke ENVIRONMENT {key[0]}",
        )
    key_id = word.removeprefix("gk_")
    if is_key_id(key_id):
        return key_id
    raise UsageError(
        "this is not the id of a key: 12 letters and digits, the part behind gk_",
        where="KEY_ID",
        next_step="gradectl api-key list shows the ids",
    )


def find_keys(aws: Aws, environment: Environment, key_ids: Sequence[str]) -> list[StoredKey]:
    """
    Read some keys.

    Raises:
        ConfigurationError: One does not exist, or is damaged; the error names it.
    """
    names = {key_id: parameter_name(environment.name, _PART, key_id) for key_id in key_ids}
    found = aws.parameters_if_any(list(names.values()))
    keys = [StoredKey(key_id, parse_record(found.get(name, ""))) for key_id, name in names.items()]
    for key in keys:
        name = names[key.key_id]
        if key.record is None:
            missing = name not in found
            raise ConfigurationError(
                "no such key" if missing else "the record is damaged, so the API refuses the key",
                where=name,
                next_step=f"gradectl api-key list {environment.name}"
                if missing
                else f"delete it: aws ssm delete-parameter --name {name}",
            )
    return keys


def revoke_key(aws: Aws, environment: Environment, key: StoredKey, now: datetime) -> StoredKey:
    """
    Revoke a key; the API refuses it within 30 seconds. The record stays, for the list.

    Args:
        aws: The account.
        environment: The environment.
        key: From `find_keys`; one that was revoked before keeps its time.
        now: The time.
    """
    if key.record is None or key.record.revoked_at is not None:
        return key
    record = key.record.model_copy(update={"revoked_at": now})
    name = parameter_name(environment.name, _PART, key.key_id)
    (current,) = aws.parameter_store.describe([name]).values()
    aws.parameter_store.write_secret(name, record.to_json().decode(), current=current)
    return StoredKey(key.key_id, record)
