"""`gradectl api-key`: the keys of the HTTP API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from gradectl.cloud import CloudContext
from gradectl.commands.arguments import environment_argument
from gradectl.context import pass_context
from gradectl.errors import UsageError
from gradectl.options import group
from gradectl.secrets.api_keys import (
    NewKey,
    StoredKey,
    create_key,
    find_keys,
    key_id_of,
    list_keys,
    plan_key,
    revoke_key,
)
from gradectl.ui import Table
from grader.contract.api_keys import MAX_NAME_LENGTH, ApiKeyRecord, Scope, is_name

_COLUMNS = ("id", "name", "user", "scopes", "calls/min", "open", "created", "expires", "state")
_DURATION = re.compile(r"([1-9][0-9]{0,3})([hdw])")
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}
_TIME_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


@group("api-key", epilog="Example: gradectl api-key create dev --name course-42 --user kim")
def api_key() -> None:
    """
    Make, list and revoke keys of the HTTP API.

    Parameter Store holds the hash of a key, its name, its scopes and its limits. The key itself is
    printed once, when it is made.
    """


@api_key.command(
    "create", epilog="Example: gradectl api-key create dev --name grader-of-course-42 --expires 90d"
)
@environment_argument
@click.option("--name", required=True, help="What it is called in lists and logs.")
@click.option("--user", help="User of its submissions; without it the key names a user in each.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    type=click.Choice([scope.value for scope in Scope]),
    help="What it allows; repeatable. Default: submit, and read-own, or read-all without --user.",
)
@click.option("--rate", type=click.IntRange(1, 1_000_000), help="Calls a minute.")
@click.option("--concurrency", type=click.IntRange(1, 100_000), help="Calls open at a time.")
@click.option("--expires", help="When it ends: 12h, 90d, 4w, or a date (UTC) such as 2027-01-31.")
@pass_context(CloudContext)
def create(  # noqa: PLR0913 - one parameter an option
    app: CloudContext,
    environment: str,
    *,
    name: str,
    user: str | None,
    scopes: tuple[str, ...],
    rate: int | None,
    concurrency: int | None,
    expires: str | None,
) -> None:
    """
    Make a key for ENVIRONMENT, and print it once.

    The key is the only line on stdout, so that it can be piped into a secret store. It works as
    soon as it is stored.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    chosen = frozenset(Scope(each) for each in scopes)
    wanted = plan_key(
        NewKey(
            _checked("--name", name),
            _checked("--user", user) if user is not None else None,
            chosen,
            rate,
            concurrency,
            _moment(expires, now) if expires else None,
        ),
        now,
    )
    found = app.environment(environment)
    app.announce(found)
    listed = ", ".join(sorted(wanted.scopes))
    if app.options.dry_run:
        app.ui.say(f"would make a key {wanted.name} with {listed}")
        app.ui.emit("api-key", {"environment": environment, "key": None}, Table((), (), ""))
        return
    stored, text = create_key(app.aws(found), found, wanted, now)
    app.ui.say(f"key {stored.key_id} ({wanted.name}) with {listed}; it is not shown again:")
    document = {"environment": environment, "text": text, "key": _document(stored, now)}
    if app.ui.output == "table":
        app.ui.write(text + "\n")
    else:
        app.ui.emit("api-key", document, Table((), ()))
    app.ui.say(f"send it as: Authorization: Bearer gk_{stored.key_id}_...")


@api_key.command("list", epilog="Example: gradectl api-key list dev")
@environment_argument
@pass_context(CloudContext)
def list_(app: CloudContext, environment: str) -> None:
    """List the keys of ENVIRONMENT, the oldest first, with those that no longer work."""
    found = app.environment(environment)
    _emit(app, environment, list_keys(app.aws(found), found))


@api_key.command("revoke", epilog="Example: gradectl api-key revoke dev mv4xkcpgbs7q")
@environment_argument
@click.argument("key_ids", nargs=-1, required=True, metavar="KEY_ID...", help="Ids; see list.")
@pass_context(CloudContext)
def revoke(app: CloudContext, environment: str, *, key_ids: tuple[str, ...]) -> None:
    """
    Revoke keys of ENVIRONMENT; the API refuses them within 30 seconds.

    It cannot be undone. Submissions of the key stay, and are graded.
    """
    ids = [key_id_of(word) for word in dict.fromkeys(key_ids)]
    found = app.environment(environment)
    app.announce(found)
    aws = app.aws(found)
    keys = find_keys(aws, found, ids)
    names = ", ".join(f"{key.key_id} ({key.record.name})" for key in keys if key.record)
    if app.options.dry_run:
        app.ui.say(f"would revoke {names}")
    else:
        app.ui.confirm(f"Revoke {names}?")
        now = datetime.now(UTC).replace(microsecond=0)
        keys = [revoke_key(aws, found, key, now) for key in keys]
        app.ui.say("the API refuses them within 30 seconds")
    _emit(app, environment, keys)


def _checked(option: str, text: str) -> str:
    """Refuse a name or user that the record could not hold, or that would break a log line."""
    if is_name(text):
        return text
    raise UsageError(
        f"use 1 to {MAX_NAME_LENGTH} printable characters", where=option, next_step="shorten it"
    )


def _moment(text: str, now: datetime) -> datetime:
    """Read a duration or a date."""
    if found := _DURATION.fullmatch(text):
        return now + int(found[1]) * _UNITS[found[2]]
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{text!r} is neither a duration nor a date",
            where="--expires",
            next_step="write 90d, or 2027-01-31",
        ) from None
    return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)


def _emit(app: CloudContext, environment: str, keys: Sequence[StoredKey]) -> None:
    """Write one row for each key."""
    now = datetime.now(UTC)
    document = {"environment": environment, "keys": [_document(key, now) for key in keys]}
    rows = [_row(key, now) for key in keys]
    app.ui.emit("api-keys", document, Table(_COLUMNS, rows, f"API keys of {environment}"))


def _document(key: StoredKey, now: datetime) -> dict[str, Any]:
    """A key for programs; without the hash."""
    record = key.record
    return {
        "id": key.key_id,
        "valid": key.state(now) == "valid",
        "state": key.state(now),
        "name": record.name if record else None,
        "user_id": record.user_id if record else None,
        "scopes": sorted(record.scopes) if record else [],
        "rate_per_minute": record.rate_per_minute if record else None,
        "concurrency": record.concurrency if record else None,
        "created_at": _text(record.created_at) if record else None,
        "expires_at": _text(record.expires_at) if record else None,
        "revoked_at": _text(record.revoked_at) if record else None,
    }


def _text(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime(_TIME_FORMAT) if moment else None


def _row(key: StoredKey, now: datetime) -> list[object]:
    """A key for people."""
    record: ApiKeyRecord | None = key.record
    if record is None:
        return [key.key_id, "-", "-", "-", "-", "-", "-", "-", key.state(now)]
    return [
        key.key_id,
        record.name,
        record.user_id or "any",
        " ".join(sorted(record.scopes)),
        record.rate_per_minute or "default",
        record.concurrency or "default",
        f"{record.created_at:%Y-%m-%d}",
        f"{record.expires_at:%Y-%m-%d}" if record.expires_at else "never",
        key.state(now),
    ]
