"""`gradectl api-key`, on an emulated account in this process."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest

from grader.adapters.ssm import SsmParameterStore
from grader.api.auth.keys import KeyStore
from grader.contract.api_keys import is_secret_of, parse_key

KEY = re.compile(r"gk_[a-z2-7]{12}_[A-Za-z0-9_-]{43}")


def create(dev: Any, *options: str) -> str:
    """Make a key; returns its text."""
    done = dev.gradectl("api-key", "create", "dev", *options)
    assert done.code == 0, done.stderr
    return str(done.stdout.strip())


def look_up(dev: Any, key: str) -> Any:
    """The record that the API finds for a key, if it accepts its secret."""
    key_id, secret = parse_key(key) or ("", "")

    async def body() -> Any:
        store = KeyStore(SsmParameterStore(dev.client("ssm")), "/dev/api-keys/", lambda: 0.0)
        try:
            record = await store.get(key_id)
        finally:
            store.close()
        return record if is_secret_of(record, secret) else None

    return asyncio.run(body())


def listed(dev: Any) -> list[dict[str, Any]]:
    """The keys of the list."""
    keys: list[dict[str, Any]] = dev.gradectl("api-key", "list", "dev", "-o", "json").document[
        "keys"
    ]
    return keys


def test_a_key_is_printed_once_and_accepted_by_the_api(dev: Any) -> None:
    """Only its hash is stored, in a SecureString; the key is the only line on stdout."""
    done = dev.gradectl("api-key", "create", "dev", "--name", "course", "--user", "kim")

    key = done.stdout.strip()
    assert KEY.fullmatch(key)
    assert key not in done.stderr
    record = look_up(dev, key)
    assert (record.name, record.user_id, sorted(record.scopes)) == (
        "course",
        "kim",
        ["read-own", "submit"],
    )
    (parameter,) = dev.client("ssm").describe_parameters()["Parameters"]
    assert (parameter["Name"], parameter["Type"]) == (f"/dev/api-keys/{key[3:15]}", "SecureString")
    stored = dev.client("ssm").get_parameter(Name=parameter["Name"], WithDecryption=True)
    assert key[16:] not in json.dumps(stored, default=str)
    assert key[16:] not in json.dumps(listed(dev))


def test_a_key_has_what_its_options_say(dev: Any) -> None:
    """In JSON the key is a member of the document."""
    options = ("--scope", "submit", "--scope", "admin", "--rate", "5", "--concurrency", "2")

    found = dev.gradectl(
        "api-key", "create", "dev", "--name", "ci", *options, "--expires", "90d", "-o", "json"
    ).document

    record = look_up(dev, found["text"])
    assert sorted(record.scopes) == ["admin", "submit"]
    assert (record.rate_per_minute, record.concurrency, record.user_id) == (5, 2, None)
    assert (record.expires_at - record.created_at).days == 90
    assert found["key"] == listed(dev)[0]
    assert found["key"]["valid"]


def test_a_revoked_key_is_refused_by_the_api_and_stays_in_the_list(dev: Any) -> None:
    """A second time changes nothing; other keys are not affected."""
    one, other = create(dev, "--name", "one"), create(dev, "--name", "other")

    done = dev.gradectl("api-key", "revoke", "dev", one[3:15], "--yes", "-o", "json")
    again = dev.gradectl("api-key", "revoke", "dev", f"gk_{one[3:15]}", "--yes", "-o", "json")

    assert done.code == again.code == 0, done.stderr
    assert done.document == again.document
    assert {each["id"]: each["valid"] for each in listed(dev)} == {
        one[3:15]: False,
        other[3:15]: True,
    }
    assert look_up(dev, one).revoked_at is not None
    assert look_up(dev, other).revoked_at is None
    assert "was revoked" in dev.gradectl("api-key", "list", "dev").stdout


def test_a_whole_key_as_an_argument_is_refused_without_repeating_it(dev: Any) -> None:
    """It would be in the history of the shell; the error has the id."""
    key = create(dev, "--name", "one")

    done = dev.gradectl("api-key", "revoke", "dev", key, "--yes")

    assert done.code == 64
    assert key[3:15] in done.stderr
    assert key[16:] not in done.stderr
    assert look_up(dev, key).revoked_at is None


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("create", "dev"), 64),
        (("create", "dev", "--name", ""), 64),
        (("create", "dev", "--name", "a\nb"), 64),
        (("create", "dev", "--name", "a", "--scope", "root"), 64),
        (("create", "dev", "--name", "a", "--scope", "read-own"), 64),
        (("create", "dev", "--name", "a", "--rate", "0"), 64),
        (("create", "dev", "--name", "a", "--expires", "soon"), 64),
        (("create", "dev", "--name", "a", "--expires", "2020-01-01"), 64),
        (("create", "dev", "--name", "a", "--expires", "99999w"), 64),
        (("revoke", "dev"), 64),
        (("revoke", "dev", "../db/password", "--yes"), 64),
        (("revoke", "dev", "abcdefghijkl", "--yes"), 78),
    ],
)
def test_an_unusable_key_is_not_made(dev: Any, options: tuple[str, ...], code: int) -> None:
    """The error says what is allowed; nothing is stored."""
    done = dev.gradectl("api-key", *options)

    assert (done.code, done.stdout) == (code, "")
    assert dev.client("ssm").describe_parameters()["Parameters"] == []


def test_a_dry_run_makes_and_revokes_nothing(dev: Any) -> None:
    """It says what would happen."""
    key = create(dev, "--name", "one")

    made = dev.gradectl("api-key", "create", "dev", "--name", "two", "--dry-run", "-o", "json")
    gone = dev.gradectl("api-key", "revoke", "dev", key[3:15], "--dry-run", "-o", "json")

    assert (made.code, made.document["key"]) == (0, None)
    assert (gone.code, gone.document["keys"][0]["valid"]) == (0, True)
    assert [each["name"] for each in listed(dev)] == ["one"]


def test_a_damaged_record_is_listed_and_the_others_work(dev: Any) -> None:
    """The list says that the API refuses it."""
    create(dev, "--name", "one")
    name = "/dev/api-keys/abcdefghijkl"
    dev.client("ssm").put_parameter(Name=name, Value="{", Type="SecureString")

    states = {each["id"]: each["state"] for each in listed(dev)}
    refused = dev.gradectl("api-key", "revoke", "dev", "abcdefghijkl", "--yes")

    assert states["abcdefghijkl"] == "the record is damaged"
    assert sorted(states.values())[1] == "valid"
    assert (refused.code, "delete-parameter" in refused.stderr) == (78, True)
