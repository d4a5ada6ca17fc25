"""The schema of the provider is shortened to what the repository names, and not changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from small_schema import named_types, shortened

REPOSITORY = Path(__file__).resolve().parents[3]


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message, of less than 128 bytes."""
    return bytes([number << 3 | 2, len(content)]) + content


def entry(number: int, key: str) -> bytes:
    """An entry of a map, with a value."""
    return field(number, field(1, key.encode()) + field(2, b"schema of " + key.encode()))


def test_only_entries_of_maps_that_are_not_kept_are_left_out() -> None:
    """Other fields and the order stay; a long entry has a length of two bytes."""
    provider, kept, dropped = field(1, b"provider"), entry(2, "aws_vpc"), entry(2, "aws_other")
    elsewhere = entry(4, "aws_other")
    content = field(1, b"aws_vpc") + bytes([2 << 3 | 2, 0xC8, 0x01]) + b"x" * 200
    long = bytes([3 << 3 | 2, 0xD4, 0x01]) + content

    short = shortened(provider + dropped + kept + elsewhere + long, {2, 3}, {"aws_vpc"})

    assert short == provider + kept + elsewhere + long


def test_a_field_that_is_no_text_and_no_message_is_refused() -> None:
    """The format would have changed, and a wrong schema must not go unnoticed."""
    with pytest.raises(ValueError, match="wire type 0"):
        shortened(bytes([1 << 3, 5]), {2}, set())


def test_all_types_of_the_modules_are_named() -> None:
    """Terraform refuses a type that is not in the schema."""
    kinds = {
        line.split('"')[1]
        for folder in ("modules", "environments", "examples", "tests/fixtures")
        for path in (REPOSITORY / folder).rglob("*.tf")
        for line in path.read_text().splitlines()
        if line.startswith(('resource "aws_', 'data "aws_', 'ephemeral "aws_'))
    }

    assert len(kinds) > 50
    assert kinds <= named_types()
