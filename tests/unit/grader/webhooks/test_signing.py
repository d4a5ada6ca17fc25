"""The secrets of webhooks and the headers for receivers."""

from __future__ import annotations

import json
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
        self.complaints: list[str] = []

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
            complain=self.complaints.append,
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


@pytest.mark.parametrize(
    ("name", "value"), [(NAMES[0], "no secret"), (NAMES[1], '{"h": {"Host": "x"}}')]
)
def test_a_wrong_new_value_does_not_stop_all_webhooks(name: str, value: str) -> None:
    """The former ones are used until it is corrected; the reason names the parameter."""
    world = World(ONE, '{"h": {"X-Key": "1"}}')
    signing = world.signing()
    before = signing.keys()
    world.store.values |= {NAMES[0]: TWO, name: value}
    world.now += REFRESH_SECONDS

    assert signing.keys() == before
    (complaint,) = world.complaints
    assert name in complaint

    world.store.values |= {NAMES[0]: TWO, NAMES[1]: "{}"}
    world.now += REFRESH_SECONDS
    assert signing.keys().secrets == (TWO,)


def test_only_the_headers_of_http_are_refused() -> None:
    """Others may begin with the same letters."""
    names = ["Tenant-Id", "Test", "Hostname", "Connection-Id", "Expected"]
    headers = dict.fromkeys(names, "x")

    assert parse_headers(json.dumps({"h": headers}), NAMES[1]) == {"h": headers}


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
        '{"h": {"TE": "b"}}',
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
