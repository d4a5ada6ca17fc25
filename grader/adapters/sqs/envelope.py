"""
Puts headers and body of a message into what SQS can carry, and takes them out again.

SQS has at most ten attributes, whose values are not empty and have no control characters, and a
body of at least one character of Unicode. What does not fit travels in attributes of ours.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from typing import Any

#: JSON object of the headers that are not attributes of their own.
HEADERS_ATTRIBUTE = "x-gradectl-headers"
#: `base64` if the body is encoded.
ENCODING_ATTRIBUTE = "x-gradectl-encoding"
_BASE64 = "base64"
_MOST_ATTRIBUTES = 10
#: Attributes that the envelope may add: these two, and the size of a body in the bucket.
_RESERVED = 3
_NAME = re.compile(r"(?!(?:aws|amazon)\.)[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*", re.IGNORECASE)
_LONGEST_NAME = 256
_SHORT_VALUE = 1024
#: The characters of XML 1.0, which SQS allows.
_TEXT = re.compile("[\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]+")
_Attributes = dict[str, dict[str, str]]


def wrap(body: bytes, headers: Mapping[str, str]) -> tuple[str, _Attributes]:
    """Return `MessageBody` and `MessageAttributes` of a message."""
    fitting = {key: value for key, value in headers.items() if _fits(key, value)}
    own = dict(list(fitting.items())[: _MOST_ATTRIBUTES - _RESERVED])
    rest = {key: value for key, value in headers.items() if key not in own}
    text = _plain(body)
    if rest:
        own[HEADERS_ATTRIBUTE] = json.dumps(rest)
    if text is None:
        own[ENCODING_ATTRIBUTE] = _BASE64
        text = base64.b64encode(body).decode() or "="
    attributes = {key: {"DataType": "String", "StringValue": value} for key, value in own.items()}
    return text, attributes


def unwrap(text: str, attributes: Mapping[str, Mapping[str, Any]]) -> tuple[bytes, dict[str, str]]:
    """
    Return body and headers of a received message.

    Attributes of foreign producers are headers too, unless they are binary. What claims to be of
    the envelope and is not readable is left as it is: the message may be foreign.
    """
    headers = {
        key: str(value["StringValue"])
        for key, value in attributes.items()
        if "StringValue" in value
    }
    body = _decoded(text) if headers.get(ENCODING_ATTRIBUTE) == _BASE64 else None
    if body is not None:
        del headers[ENCODING_ATTRIBUTE]
    rest = _object(headers.get(HEADERS_ATTRIBUTE, ""))
    if rest is not None:
        del headers[HEADERS_ATTRIBUTE]
        headers |= rest
    return text.encode(errors="surrogatepass") if body is None else body, headers


def size(text: str, attributes: Mapping[str, Mapping[str, Any]]) -> int:
    """Return the bytes of a message that count for the limit of a queue."""
    sizes = (
        len(part.encode()) for name, value in attributes.items() for part in (name, *value.values())
    )
    return len(text.encode()) + sum(sizes)


def bounded(headers: Mapping[str, str], most_bytes: int) -> dict[str, str]:
    """
    Shorten headers to a total size: values to 1,024 characters, then the last ones are dropped.

    Only foreign headers are as long as that.
    """
    if sum(map(_json_size, headers.items())) <= most_bytes:
        return dict(headers)
    left = most_bytes
    kept = {}
    for key, value in headers.items():
        short = value[:_SHORT_VALUE]
        left -= _json_size((key, short))
        if left >= 0:
            kept[key] = short
    return kept


def _json_size(header: tuple[str, str]) -> int:
    """Bytes of a header, at most: as an attribute or in the JSON object."""
    return len(json.dumps(header)) + len("String")


def _fits(name: str, value: str) -> bool:
    reserved = name in (HEADERS_ATTRIBUTE, ENCODING_ATTRIBUTE)
    named = len(name) <= _LONGEST_NAME and _NAME.fullmatch(name)
    return bool(named and not reserved and _TEXT.fullmatch(value))


def _plain(body: bytes) -> str | None:
    """Return the body as text that SQS accepts; None if it has to be encoded."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    return text if _TEXT.fullmatch(text) else None


def _decoded(text: str) -> bytes | None:
    if text == "=":
        return b""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None


def _object(text: str) -> dict[str, str] | None:
    """Read headers as `wrap` writes them; None for any other text."""
    try:
        found = json.loads(text) if text else None
    except (ValueError, RecursionError):  # no JSON, or nothing but brackets
        return None
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        return None
    return found
