"""The secrets of webhooks and the headers for receivers."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.adapters.webhook import check_secrets
from grader.errors import SettingsError, TemporaryError
from grader.testing import MemoryParameterStore
from grader.webhooks.signing import REFRESH_SECONDS, Signing, parse_headers

ONE, TWO = "whsec_b25lb25lb25lb25lb25lb25l", "whsec_dHdvdHdvdHdvdHdvdHdvdHdv"
NAMES = ("/dev/webhook/secret", "/dev/webhook/headers")


class World:
    """A parameter store that may be away, and a clock."""

    def __init__(self, secrets: str, headers: str = "{}") -> None:
        self.store = MemoryParameterStore(dict(zip(NAMES, (secrets, headers), strict=True)))
        self.is_away = False
        self.now = 0.0
        self.hidden: set[str] = set()

    def get_many(self, names: list[str]) -> dict[str, str]:
        """Read, unless it is away."""
        if self.is_away:
            raise TemporaryError("away")
        return self.store.get_many(names)

    def signing(self, names: tuple[str, str] = NAMES) -> Signing:
        """What reads them."""
        return Signing(
            self,
            names,
            hide=lambda *texts: self.hidden.update(texts),
            check=check_secrets,
            clock=lambda: self.now,
        )


def test_secrets_are_read_again_after_a_while() -> None:
    """A rotation needs no restart: first both, then the new one alone."""
    world = World(ONE)
    signing = world.signing()
    assert signing.keys().secrets == (ONE,)

    world.store.values[NAMES[0]] = f"{TWO} {ONE}"
    assert signing.keys().secrets == (ONE,)
    world.now = REFRESH_SECONDS
    assert signing.keys().secrets == (TWO, ONE)


def test_known_secrets_stay_while_the_store_is_away() -> None:
    """Without any, nothing can be sent."""
    world = World(ONE)
    signing = world.signing()
    world.is_away = True
    with pytest.raises(TemporaryError):
        signing.keys()

    world.is_away = False
    signing.keys()
    world.is_away, world.now = True, 10 * REFRESH_SECONDS
    assert signing.keys().secrets == (ONE,)


def test_secrets_and_headers_are_hidden_from_the_log() -> None:
    """Before they are checked, so that no error shows them."""
    world = World(ONE, '{"H.example": {"Authorization": "Bearer token"}}')

    keys = world.signing().keys()

    assert keys.headers_of("h.example") == {"Authorization": "Bearer token"}
    assert keys.headers_of("other.example") == {}
    assert {ONE, "Bearer token"} <= world.hidden
    assert "Bearer" not in repr(keys)
    assert ONE not in repr(keys)


def test_headers_are_optional() -> None:
    """Their parameter need not exist."""
    world = World(ONE)
    del world.store.values[NAMES[1]]

    assert world.signing((NAMES[0], "")).keys().secrets == (ONE,)


@pytest.mark.parametrize(
    "text",
    [
        *("", "[]", "5", "nope", '{"h": 5}', "[" * 100_000),
        '{"h": {"A": 5}}',
        '{"h": {"A": "b\\r\\nX: y"}}',
        '{"h": {"A": "ä"}}',
        '{"h": {"": "b"}}',
        '{"h": {"A:": "b"}}',
        '{"h": {"Host": "b"}}',
        '{"h": {"Webhook-Id": "b"}}',
        '{"h": {"content-length": "5"}}',
        '{"h": {"Transfer-Encoding": "chunked"}}',
    ],
)
def test_a_wrong_document_of_headers_is_refused(text: str) -> None:
    """With its parameter, and without its values."""
    with pytest.raises(SettingsError, match="/dev/webhook/headers"):
        parse_headers(text, NAMES[1])


@given(st.text())
def test_any_text_is_headers_or_an_error(text: str) -> None:
    """Never another exception."""
    with suppress(SettingsError):
        assert isinstance(parse_headers(text, "x"), dict)
