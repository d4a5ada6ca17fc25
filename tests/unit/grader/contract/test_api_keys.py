"""The text of API keys and their records."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.contract.api_keys import (
    ID_BYTES,
    SECRET_BYTES,
    ApiKeyRecord,
    Scope,
    format_key,
    hash_secret,
    is_key_id,
    is_secret_of,
    parse_key,
    parse_record,
)

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)


def record(**fields: Any) -> ApiKeyRecord:
    """A record of the secret `s`."""
    given = {"hash": hash_secret("s"), "name": "one", "scopes": {Scope.SUBMIT}, "created_at": NOW}
    return ApiKeyRecord(**{**given, **fields})


def test_a_key_is_read_as_it_was_made() -> None:
    """Any random bytes; the id is fit for the name of a parameter."""
    for _ in range(200):
        key_id, secret, text = format_key(os.urandom(ID_BYTES), os.urandom(SECRET_BYTES))

        assert parse_key(text) == (key_id, secret)
        assert is_key_id(key_id)
        assert len(text) == 59


@given(st.text(max_size=80))
def test_no_other_text_is_a_key(text: str) -> None:
    """It is refused before anything is looked up."""
    assert parse_key(text) is None


@pytest.mark.parametrize("change", ["\n", " ", "x", "/../other"])
def test_a_key_with_more_behind_it_is_none(change: str) -> None:
    """Nothing of it reaches the name of a parameter."""
    _, _, text = format_key(bytes(ID_BYTES), bytes(SECRET_BYTES))

    assert parse_key(text) is not None
    assert parse_key(text + change) is None
    assert not is_key_id("abcdefgh2345" + change)


def test_only_its_secret_fits_a_record() -> None:
    """A missing record fits nothing, not even the secret whose hash is compared instead."""
    assert is_secret_of(record(), "s")
    assert not is_secret_of(record(), "t")
    assert not is_secret_of(None, "s")


def test_a_key_ends_when_it_expires_or_is_revoked() -> None:
    """The text says which, and when."""
    later = NOW + timedelta(seconds=1)

    assert record(expires_at=later).problem(NOW) == ""
    assert record(expires_at=later).problem(later) == "expired at 2026-05-01T12:00:01Z"
    assert record(revoked_at=NOW).problem(NOW) == "was revoked at 2026-05-01T12:00:00Z"


def test_a_record_is_read_as_it_was_written() -> None:
    """In the names that the parameter has; the hash is not part of its repr."""
    one = record(user_id="kim", rate_per_minute=5, concurrency=2)
    text = one.to_json().decode()

    assert parse_record(text) == one
    assert '"ratePerMinute":5' in text
    assert one.hash not in repr(one)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"hash": "x"}', "gk_", "\udc80"])
def test_a_damaged_record_is_none(text: str) -> None:
    """One key does not work then; it is not an error of the service."""
    assert parse_record(text) is None
