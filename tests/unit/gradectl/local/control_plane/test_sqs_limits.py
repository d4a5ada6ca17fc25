"""What the emulated SQS accepts as a message."""

from __future__ import annotations

from typing import Any

import pytest
from moto.sqs.exceptions import SQSException

from gradectl.local.control_plane.sqs_limits import check_message, message_bytes

MAX_BYTES = 1024


def text(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}


@pytest.mark.parametrize(
    ("body", "attributes"),
    [
        ("x" * MAX_BYTES, {}),
        ("\t\n\r ~\ue000\U0001f600", {"x-request.id": text("7"), "retry": text("\n")}),
        ("x", {f"a{number}": text("1") for number in range(10)}),
        ("x", {"a": {"DataType": "Binary.gzip", "BinaryValue": b"\0"}}),
    ],
)
def test_a_message_within_the_limits_is_accepted(body: str, attributes: dict[str, Any]) -> None:
    """Up to the largest one."""
    check_message(body, attributes, MAX_BYTES)


@pytest.mark.parametrize(
    ("body", "attributes", "code"),
    [
        ("", {}, "MissingParameter"),
        (None, {}, "MissingParameter"),
        ("\0", {}, "InvalidMessageContents"),
        ("\ud800", {}, "InvalidMessageContents"),
        ("x" * (MAX_BYTES + 1), {}, "InvalidParameterValue"),
        ("\u00e9" * 513, {}, "InvalidParameterValue"),
        ("x" * (MAX_BYTES - 7), {"a": text("1")}, "InvalidParameterValue"),
        ("x", {f"a{number}": text("1") for number in range(11)}, "InvalidParameterValue"),
        ("x", {"a": text("")}, "InvalidParameterValue"),
        ("x", {"a": text("\x1b")}, "InvalidParameterValue"),
        ("x", {"a": {"DataType": "Text", "StringValue": "1"}}, "InvalidParameterValue"),
        ("x", {"a": {"StringValue": "1"}}, "InvalidParameterValue"),
        *(("x", {name: text("1")}, "InvalidParameterValue") for name in ("", "a b", ".a", "a..b")),
        ("x", {"AWS.a": text("1")}, "InvalidParameterValue"),
        ("x", {"a" * 257: text("1")}, "InvalidParameterValue"),
    ],
)
def test_a_message_beyond_the_limits_is_refused_with_the_code_of_aws(
    body: str | None, attributes: dict[str, Any], code: str
) -> None:
    """A sender that works here works on AWS."""
    with pytest.raises(SQSException) as caught:
        check_message(body, attributes, MAX_BYTES)
    assert caught.value.code == code


def test_attributes_count_for_the_size() -> None:
    """Their names, their types and their values, in bytes."""
    binary = {"DataType": "Binary", "BinaryValue": b"123"}
    assert message_bytes("\u00e9", {"a": text("12"), "b": binary}) == 2 + (1 + 6 + 2) + (1 + 6 + 3)
