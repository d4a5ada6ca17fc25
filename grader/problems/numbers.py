"""Parses numbers in outputs, and compares them within a tolerance."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Spellings that C accepts and Python does not.
_HEXADECIMAL = re.compile(
    rb"[+-]?0x(?:[0-9a-f]+\.?[0-9a-f]*|\.[0-9a-f]+)(?:p[+-]?[0-9]+)?", re.IGNORECASE
)
_NOT_A_NUMBER = re.compile(rb"[+-]?nan\([0-9a-z_]*\)", re.IGNORECASE)


@dataclass(frozen=True)
class Tolerance:
    """
    Tolerance of a number; either bound is enough.

    Args:
        absolute: Maximum absolute error; below 0: not accepted by it.
        relative: Maximum relative error; below 0: not accepted by it.
    """

    absolute: float
    relative: float

    def accepts(self, expected: float, got: float) -> bool:
        """Compare two numbers; NaN is never accepted, infinity only equals the same infinity."""
        difference = abs(expected - got)
        if not math.isfinite(difference):
            return expected == got
        return difference <= self.absolute or difference <= self.relative * abs(expected)


def parse_number(token: bytes) -> float | None:
    """Parse a token like C's strtod, also NaN and infinity; None if it is not a number."""
    if b"_" in token:
        return math.nan if _NOT_A_NUMBER.fullmatch(token) else None
    try:
        return float(token)
    except ValueError:
        pass
    if _HEXADECIMAL.fullmatch(token):
        try:
            return float.fromhex(token.decode())
        except OverflowError:
            return -math.inf if token.startswith(b"-") else math.inf
    return math.nan if _NOT_A_NUMBER.fullmatch(token) else None


def same_tokens(expected: Sequence[bytes], got: Sequence[bytes], tolerance: Tolerance) -> int:
    """
    Count the leading tokens that agree; tokens are compared as numbers if the answer has a number.

    Args:
        expected: Tokens of the answer.
        got: The same number of tokens of the output.
        tolerance: Tolerance of numbers.
    """
    if expected == got and b"nan" not in b" ".join(expected).lower():
        return len(expected)
    doubtful = _doubtful(expected, got, tolerance)
    for place in range(len(expected)) if doubtful is None else doubtful:
        if not _same_token(expected[place], got[place], tolerance):
            return place
    return len(expected)


def _doubtful(
    expected: Sequence[bytes], got: Sequence[bytes], tolerance: Tolerance
) -> list[int] | None:
    """Indexes that need an exact comparison; None if Python cannot parse all tokens as numbers."""
    try:
        pairs = list(zip(map(float, expected), map(float, got), strict=True))
    except ValueError:
        return None
    if b"_" in b" ".join(expected) or b"_" in b" ".join(got):
        return None
    absolute, relative, infinite = tolerance.absolute, tolerance.relative, math.inf
    return [
        place
        for place, (one, other) in enumerate(pairs)
        if not (
            (distance := abs(one - other)) <= absolute < infinite
            or distance <= relative * abs(one) < infinite
        )
    ]


def _same_token(expected: bytes, got: bytes, tolerance: Tolerance) -> bool:
    number = parse_number(expected)
    if number is None:
        return expected == got
    other = parse_number(got)
    return other is not None and tolerance.accepts(number, other)
