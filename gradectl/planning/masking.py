"""Masks the sensitive values of Terraform's plans, which contain them in clear text."""

from __future__ import annotations

import hashlib
import json
from typing import Any

MASK = "(sensitive)"
#: 128 MiB and some tenths of a second for each guess.
_SCRYPT_ROUNDS, _SCRYPT_BLOCK = 2**17, 8


class Sensitive:
    """
    A sensitive value of a plan: it prints as a mask, and only its fingerprint can be read.

    Args:
        value: The value, any JSON.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Any) -> None:  # noqa: ANN401 - any JSON
        self._value = value

    def __repr__(self) -> str:
        """Print the mask instead of the value."""
        return MASK

    def equals(self, other: object) -> bool:
        """Whether another sensitive value is the same."""
        return isinstance(other, Sensitive) and other._value == self._value  # noqa: SLF001 - of this class

    def fingerprint(self, salt: str) -> str:
        """
        Return a text that is equal for equal values and reveals nothing else.

        Args:
            salt: Random text, new for each file. Guessing a value is slow, and has to be repeated
                for each file.
        """
        text = json.dumps(self._value, sort_keys=True).encode()
        digest = hashlib.scrypt(
            text,
            salt=salt.encode(),
            n=_SCRYPT_ROUNDS,
            r=_SCRYPT_BLOCK,
            p=1,
            maxmem=2 * 128 * _SCRYPT_ROUNDS * _SCRYPT_BLOCK,  # it needs a little more than half
            dklen=16,
        )
        return f"(sensitive, fingerprint {digest.hex()})"


def mask(value: Any, sensitive: Any) -> Any:  # noqa: ANN401 - any JSON
    """
    Wrap the sensitive parts of a value in `Sensitive`.

    Args:
        value: A value of a plan.
        sensitive: Terraform's marks for it: true where the value is sensitive, or a mapping or list
            of the same shape.
    """
    if sensitive is True:
        return value if value in (None, "") else Sensitive(value)
    if isinstance(value, dict) and isinstance(sensitive, dict):
        return {key: mask(item, sensitive.get(key)) for key, item in value.items()}
    if isinstance(value, list) and isinstance(sensitive, list):
        marks = [*sensitive, *([None] * (len(value) - len(sensitive)))]
        return [mask(item, mark) for item, mark in zip(value, marks, strict=False)]
    return value


def with_fingerprints(value: Any, salt: str) -> Any:  # noqa: ANN401 - any JSON
    """Replace each `Sensitive` within a value by its fingerprint."""
    if isinstance(value, Sensitive):
        return value.fingerprint(salt)
    if isinstance(value, dict):
        return {key: with_fingerprints(item, salt) for key, item in value.items()}
    if isinstance(value, list):
        return [with_fingerprints(item, salt) for item in value]
    return value
