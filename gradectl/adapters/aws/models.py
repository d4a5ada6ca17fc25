"""Data from the account, without boto3's types."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownUser:
    """A user of a broker; its password cannot be read."""

    name: str
    groups: frozenset[str] = frozenset()
    console_access: bool = False
