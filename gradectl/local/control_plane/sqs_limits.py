"""What SQS accepts as a message; pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from moto.sqs.exceptions import InvalidParameterValue, MissingParameter

from gradectl.local.control_plane.sqs_errors import (
    ALLOWED_CHARACTERS,
    InvalidMessageContentsError,
)

#: The largest message, and the largest batch.
MAX_BYTES = 1_048_576

_MAX_ATTRIBUTES = 10
_MAX_NAME_LENGTH = 256
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_RESERVED_NAME = re.compile(r"aws\.|amazon\.", re.IGNORECASE)
_TYPE = re.compile(r"(String|Number|Binary)(\..+)?")
_ALLOWED = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]*")


def check_message(body: str | None, attributes: Mapping[str, Any], max_bytes: int) -> None:
    """
    Check a message as SQS does.

    Args:
        body: Its body.
        attributes: Its attributes: a `DataType` and a `StringValue` or a `BinaryValue` each.
        max_bytes: Size that the queue allows for the body and the attributes together.

    Raises:
        SQSException: SQS refuses the message, with this error.
    """
    if not body:
        raise MissingParameter("MessageBody")
    if not _ALLOWED.fullmatch(body):
        raise InvalidMessageContentsError
    if len(attributes) > _MAX_ATTRIBUTES:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum"
            f" [{_MAX_ATTRIBUTES}]."
        )
    for name, attribute in attributes.items():
        _check_attribute(name, attribute)
    if message_bytes(body, attributes) > max_bytes:
        raise InvalidParameterValue(
            "One or more parameters are invalid. Reason: Message must be shorter than"
            f" {max_bytes} bytes."
        )


def message_bytes(body: str, attributes: Mapping[str, Any]) -> int:
    """Return the size of a message: its body, and the names, types and values of its attributes."""
    size = len(body.encode())
    for name, attribute in attributes.items():
        size += len(name.encode()) + len(str(attribute.get("DataType")).encode())
        size += len(_value(attribute))
    return size


def _check_attribute(name: str, attribute: Mapping[str, Any]) -> None:
    is_named = _NAME.fullmatch(name) and len(name) <= _MAX_NAME_LENGTH
    if not is_named or _RESERVED_NAME.match(name):
        raise InvalidParameterValue(f"Invalid attribute name '{name}'.")
    if not _TYPE.fullmatch(attribute.get("DataType") or ""):
        raise InvalidParameterValue(
            f"The message attribute '{name}' has an invalid message attribute type, the set of"
            " supported type prefixes is Binary, Number, and String."
        )
    if not _value(attribute):
        kind = attribute["DataType"]
        raise InvalidParameterValue(
            f"Message (user) attribute '{name}' must contain a non-empty value of type '{kind}'."
        )
    if not _ALLOWED.fullmatch(attribute.get("StringValue") or ""):
        raise InvalidParameterValue(
            f"Message (user) attribute '{name}' contains characters that are not allowed:"
            f" {ALLOWED_CHARACTERS}"
        )


def _value(attribute: Mapping[str, Any]) -> bytes:
    """Return the value of an attribute; empty for one without."""
    text = attribute.get("StringValue")
    return str(text).encode() if text else bytes(attribute.get("BinaryValue") or b"")
