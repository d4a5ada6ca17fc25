"""Parsing of broker endpoints."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.adapters.activemq.address import BrokerAddress
from grader.errors import SettingsError


def test_both_endpoints_of_a_pair_are_read() -> None:
    """An active/standby broker has two, in one parameter."""
    both = "stomp+ssl://b-1.mq.amazonaws.com:61614, stomp+ssl://b-2.mq.amazonaws.com:61614"

    assert BrokerAddress.parse_all([both]) == (
        BrokerAddress("b-1.mq.amazonaws.com", 61614, tls=True),
        BrokerAddress("b-2.mq.amazonaws.com", 61614, tls=True),
    )


def test_address_reads_as_it_was_written() -> None:
    """Errors show the endpoint as operators know it."""
    assert str(BrokerAddress.parse("stomp+ssl://localhost:61614")) == "stomp+ssl://localhost:61614"


@pytest.mark.parametrize(
    "endpoint",
    ["", "localhost:61614", "amqp+ssl://h:5671", "stomp://h", "stomp://:1", "stomp://h:99999"],
)
def test_invalid_endpoint_is_rejected(endpoint: str) -> None:
    """Another protocol, no host or no port; the error shows the format."""
    with pytest.raises(SettingsError):
        BrokerAddress.parse_all([endpoint])


@given(st.text())
def test_any_text_is_an_address_or_a_settings_error(text: str) -> None:
    """For any value of the parameter."""
    with suppress(SettingsError):
        assert BrokerAddress.parse(text).port >= 0
