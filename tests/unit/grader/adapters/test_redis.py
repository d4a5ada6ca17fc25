"""The address of Redis."""

from __future__ import annotations

import pytest

from grader.adapters.redis import RedisLogin
from grader.errors import SettingsError


@pytest.mark.parametrize(
    "url",
    ["", "localhost:6379", "http://localhost", "rediss://", "rediss://u:secret@h", "rediss://h:x",
     "rediss://h/1"],
)  # fmt: skip
def test_a_wrong_address_is_refused_without_its_password(url: str) -> None:
    """With the right form."""
    with pytest.raises(SettingsError) as caught:
        RedisLogin.of_url(url, "")

    assert "rediss://HOST:PORT" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_password_is_not_sent_without_tls() -> None:
    """Except on the same machine; an address without a password needs none."""
    with pytest.raises(SettingsError, match="without TLS"):
        RedisLogin.of_url("redis://redis.internal", "secret")

    for url, password in (
        ("redis://redis.internal", ""),
        ("redis://localhost", "secret"),
        ("redis://[::1]:6379", "secret"),
        ("rediss://redis.internal", "secret"),
    ):
        assert RedisLogin.of_url(url, password).password == (password or None)
