"""
Serves the AWS provider with the schemas of those types only that the repository names.

Each command of Terraform reads the schemas of all 1,600 types, which takes it longer than the rest
of a small plan: 1.5 s of processor time. A relay between Terraform and the provider shortens this
one answer; all other calls pass through it unchanged.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from gradectl.adapters.terraform.shared import serve_providers
from gradectl.processes.tools import Tools

ROOT = Path(__file__).resolve().parents[2]
RELAY = Path(__file__).with_name("schema_relay.py")
#: Where types of resources are named.
_FOLDERS = ("docs", "environments", "examples", "gradectl", "modules", "tests")
_KINDS = {".hcl", ".md", ".py", ".tf", ".yaml"}
_LENGTH_DELIMITED = 2
_START_SECONDS = 60.0


def serve_small(data_dir: Path, tools: Tools) -> str:
    """Like `serve_providers`, with a relay before each provider."""
    served = json.loads(serve_providers(data_dir, tools))
    for provider in served.values():
        address = provider["Addr"]
        command = [sys.executable, str(RELAY), address["String"]]
        address["String"] = tools.serve(command, data_dir, _announced, _START_SECONDS)
    return json.dumps(served)


def _announced(line: str) -> str:
    """The socket in a line of the relay's output; "" when there is none."""
    return line.strip() if line.startswith("/") else ""


def named_types() -> set[str]:
    """All types of resources that the files of the repository name."""
    texts = (
        path.read_bytes()
        for folder in _FOLDERS
        for path in (ROOT / folder).rglob("*")
        if path.suffix in _KINDS and path.is_file()
    )
    return {each.decode() for text in texts for each in re.findall(rb"\baws_[a-z0-9_]+", text)}


def shortened(answer: bytes, maps: set[int], kept: set[str]) -> bytes:
    """
    Leave out entries of maps.

    Args:
        answer: A protobuf message.
        maps: The numbers of its fields that are maps.
        kept: The keys that stay.
    """
    parts = (
        part
        for field, part, content in _fields(answer)
        if field not in maps or _key(content) in kept
    )
    return b"".join(parts)


def _key(entry: bytes) -> str:
    """The key of an entry of a map."""
    return next((content.decode() for field, _, content in _fields(entry) if field == 1), "")


def _fields(message: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Number, encoded form and content of each field of a message."""
    place = 0
    while place < len(message):
        begin = place
        tag, place = _varint(message, place)
        if tag & 7 != _LENGTH_DELIMITED:
            raise ValueError(f"field {tag >> 3} has the unexpected wire type {tag & 7}")
        length, place = _varint(message, place)
        place += length
        yield tag >> 3, message[begin:place], message[place - length : place]


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """A number of variable length, and the place after it."""
    value = shift = 0
    while True:
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, place
