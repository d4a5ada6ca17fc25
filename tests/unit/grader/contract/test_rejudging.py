"""Ids of rejudgings, and which messages belong to one."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grader.contract.messages import readable_request_id
from grader.contract.names import REJUDGING_HEADER
from grader.contract.rejudging import (
    REJUDGING_NAME,
    is_rejudged_id,
    rejudged_id,
    rejudging_of,
)

IDS = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)
NAMES = st.from_regex(REJUDGING_NAME, fullmatch=True)


def body(request_id: str) -> bytes:
    return json.dumps({"requestId": request_id}).encode()


@given(IDS, NAMES)
@settings(max_examples=25)
def test_a_derived_id_is_a_valid_id_and_recognized(request_id: str, name: str) -> None:
    """Whatever the length of the first id; and it always is the same one."""
    derived = rejudged_id(request_id, name)

    assert readable_request_id(body(derived)) == derived
    assert is_rejudged_id(derived)
    assert derived == rejudged_id(request_id, name)
    assert rejudging_of({REJUDGING_HEADER: name}, body(derived)) == name


def test_long_ids_with_the_same_beginning_stay_different() -> None:
    """The cut part is in the digest."""
    first, second = (rejudged_id("x" * 127 + end, "again") for end in "ab")

    assert first != second
    assert len(first) == 128


@pytest.mark.parametrize(
    ("header", "request_id"),
    [
        ("", "req_1.rejudge.again"),
        ("again", "req_1"),
        ("other", "req_1.rejudge.again"),
        ("again", ""),
    ],
)
def test_a_message_needs_header_and_id_to_be_of_a_rejudging(header: str, request_id: str) -> None:
    """A producer that has one of them by accident still gets its result message."""
    headers = {REJUDGING_HEADER: header} if header else {}

    assert rejudging_of(headers, body(request_id)) == ""
    assert rejudging_of(headers, b"\xff") == ""
