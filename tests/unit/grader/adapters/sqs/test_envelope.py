"""Headers and bodies in what SQS can carry."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.adapters.sqs.envelope import (
    ENCODING_ATTRIBUTE,
    HEADERS_ATTRIBUTE,
    bounded,
    size,
    unwrap,
    wrap,
)

#: Names and values of any characters, and those that the envelope itself uses.
NAMES = st.text() | st.sampled_from([HEADERS_ATTRIBUTE, ENCODING_ATTRIBUTE, "AWS.x", "a..b", "."])
VALUES = st.text() | st.just("base64")
#: What SQS accepts as text: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference
TEXT = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")


def acceptable(text: str, attributes: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether SQS accepts a message, also after an attribute for its size was added."""
    values = [value["StringValue"] for value in attributes.values()]
    names = all(re.fullmatch(r"[A-Za-z0-9_.-]{1,256}", name) for name in attributes)
    texts = all(TEXT.fullmatch(value) for value in (text, *values))
    return names and texts and len(attributes) <= 9


@given(st.binary() | st.text().map(str.encode), st.dictionaries(NAMES, VALUES))
@example(b"=", {ENCODING_ATTRIBUTE: "base64"})
@example(b"", {})
@example(b"\xed\xa0\x80", {"a": "\ud800"})
@example(b'{"a": 1}', {f"x-{number}": str(number) for number in range(12)})
def test_every_message_arrives_as_it_was_sent(body: bytes, headers: dict[str, str]) -> None:
    """Whatever its bytes are, and however many headers it has."""
    text, attributes = wrap(body, headers)

    assert acceptable(text, attributes)
    assert unwrap(text, attributes) == (body, headers)


def test_a_plain_message_is_readable_by_other_programs() -> None:
    """JSON stays JSON, and headers are attributes with their names."""
    text, attributes = wrap(b'{"requestId": "r"}', {"correlation-id": "r"})

    assert json.loads(text) == {"requestId": "r"}
    assert attributes == {"correlation-id": {"DataType": "String", "StringValue": "r"}}


@pytest.mark.parametrize(
    "attributes",
    [
        {ENCODING_ATTRIBUTE: {"DataType": "String", "StringValue": "base64"}},
        {HEADERS_ATTRIBUTE: {"DataType": "String", "StringValue": "[1]"}},
        {HEADERS_ATTRIBUTE: {"DataType": "String", "StringValue": "no JSON"}},
        {HEADERS_ATTRIBUTE: {"DataType": "String", "StringValue": '{"a": {"b": 1}, "c": null}'}},
        {HEADERS_ATTRIBUTE: {"DataType": "String", "StringValue": "[" * 100_000}},
        {
            HEADERS_ATTRIBUTE: {
                "DataType": "String",
                "StringValue": '{"a": ' * 900 + "{}" + "}" * 900,
            }
        },
        {"x-other": {"DataType": "Number", "StringValue": "7"}},
    ],
)
def test_a_foreign_message_keeps_its_body_and_attributes(
    attributes: dict[str, dict[str, str]],
) -> None:
    """Even one whose attributes look like ours and are not."""
    body, headers = unwrap("not base64!", attributes)

    assert body == b"not base64!"
    assert headers == {name: value["StringValue"] for name, value in attributes.items()}


@given(
    st.text(st.characters()),
    st.dictionaries(NAMES, st.fixed_dictionaries({"StringValue": VALUES | st.text('[{:"}]1,')})),
)
@example("\ud800", {})
def test_no_message_is_unreadable(text: str, attributes: dict[str, dict[str, str]]) -> None:
    """An error here would end the worker, and each other one that receives the message."""
    unwrap(text, attributes)


def test_a_binary_attribute_is_not_a_header() -> None:
    """Headers are text on every transport."""
    assert unwrap("x", {"b": {"DataType": "Binary", "BinaryValue": b"1"}}) == (b"x", {})


def test_attributes_count_for_the_size() -> None:
    """Name, type and value, in UTF-8."""
    text, attributes = wrap("é".encode(), {"ab": "é"})

    assert size(text, attributes) == 2 + len("ab") + len("String") + 2


@given(st.dictionaries(st.text(), st.text()), st.integers(0, 200))
def test_bounded_headers_fit(headers: dict[str, str], most: int) -> None:
    """Also after they were put into attributes, apart from the name of the JSON attribute."""
    found = bounded(headers, most)

    text, attributes = wrap(b"x", found)
    fixed = len(HEADERS_ATTRIBUTE) + len("String") + len("{}")
    assert size(text, attributes) - len("x") <= most + fixed
    assert found.keys() <= headers.keys()


def test_headers_that_fit_are_not_shortened() -> None:
    """A long reason is kept in full."""
    headers = {"x-reason": "r" * 5_000}

    assert bounded(headers, 32_768) == headers
    assert bounded(headers, 2_000) == {"x-reason": "r" * 1_024}
