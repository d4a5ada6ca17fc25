"""
Compares a program's output with the answer, by tokens unless the problem's flags change that.

The comparison works on bytes: no encoding is assumed, and a NUL byte is an ordinary byte.  Memory
is bounded for outputs and tokens of any length.  Equal bytes, most of a correct output, are skipped
in blocks; tokens are compared only from the first difference on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

from grader.problems.numbers import Tolerance, parse_number, same_tokens
from grader.problems.tokens import BLOCK_BYTES, Cut, Pieces, boundary, read_block

_SWITCHES = ("case_sensitive", "case_insensitive", "space_change_sensitive", "exact")
_TOLERANCES = ("float_tolerance", "float_absolute_tolerance", "float_relative_tolerance")


@dataclass(frozen=True)
class CompareOptions:
    """
    Rules of the comparison.

    Args:
        exact: Compare byte for byte; the other rules do not apply.
        case_sensitive: Upper and lower case of ASCII letters differ.
        space_sensitive: Each character of white space counts.
        tolerance: Tolerance of numbers; None: numbers are compared like other tokens.
    """

    exact: bool = False
    case_sensitive: bool = True
    space_sensitive: bool = False
    tolerance: Tolerance | None = None

    @classmethod
    def from_flags(cls, flags: Sequence[str], *, case_sensitive: bool = True) -> CompareOptions:
        """
        Parse the flags of Kattis' default validator, and our `exact` and `case_insensitive`.

        Args:
            flags: The flags.
            case_sensitive: Default if no flag sets it.

        Raises:
            ValueError: A flag is unknown, or a tolerance is not a number of 0 or above.
        """
        words = iter(flags)
        switches: set[str] = set()
        bounds = {"absolute": -1.0, "relative": -1.0}
        for word in words:
            if word in _SWITCHES:
                switches.add(word)
                case_sensitive = (case_sensitive or word == "case_sensitive") and (
                    word != "case_insensitive"
                )
            elif word in _TOLERANCES:
                bound = _bound(word, next(words, ""))
                for kind in bounds:
                    if word in ("float_tolerance", f"float_{kind}_tolerance"):
                        bounds[kind] = bound
            else:
                raise ValueError(f"unknown flag {word!r} of the comparison")
        any_bound = max(bounds.values()) >= 0
        return cls(
            exact="exact" in switches,
            case_sensitive=case_sensitive,
            space_sensitive="space_change_sensitive" in switches,
            tolerance=Tolerance(**bounds) if any_bound else None,
        )


def _bound(word: str, text: str) -> float:
    value = parse_number(text.encode())
    if value is None or not 0 <= value < float("inf"):
        raise ValueError(f"{word} {text}: must be followed by a number of 0 or above")
    return value


@dataclass(frozen=True)
class Comparison:
    """
    Result of a comparison: the position of the first difference, but never the expected value.

    Args:
        equal: Whether the output is correct.
        token: Number of the first wrong token in the output, from 1; None if the output is correct
            or too short.
        line: Number of its line, from 1.
        reason: Description of the difference, safe to show.
    """

    equal: bool
    token: int | None = None
    line: int | None = None
    reason: str = ""


_EQUAL = Comparison(equal=True)
_TOO_SHORT = Comparison(equal=False, reason="the output ends too early")


def compare(
    expected: BinaryIO, got: BinaryIO, options: CompareOptions, *, block_bytes: int = BLOCK_BYTES
) -> Comparison:
    """
    Compare two streams up to the first difference.

    Args:
        expected: The answer, at its beginning.
        got: The output, at its beginning; seekable.
        options: Rules of the comparison.
        block_bytes: Size of a read, bytes.
    """
    offset, left, right = _skip_equal(expected, got, options, block_bytes)
    if options.exact:
        return _compare_exactly(got, offset, left, right)
    cut = Cut(options.space_sensitive, not options.case_sensitive, block_bytes)
    theirs, ours = Pieces(expected, left, offset, cut), Pieces(got, right, offset, cut)
    while theirs.fill() and ours.fill():
        count = min(len(theirs.ready), len(ours.ready))
        same = _same_count(theirs.take(count), ours.take(count), options.tolerance)
        if same < count:
            return _difference(got, ours.offset_of_next(count - same), "is not right")
    if ours.fill():
        return _difference(got, ours.offset_of_next(), "is more than was expected")
    return _TOO_SHORT if theirs.fill() else _EQUAL


def _skip_equal(
    expected: BinaryIO, got: BinaryIO, options: CompareOptions, block_bytes: int
) -> tuple[int, bytes, bytes]:
    """Skip equal blocks; returns the offset of the rest and what was read of both from there on."""
    offset, tail = 0, b""
    numbers = options.tolerance is not None and not options.exact
    while True:
        left, right = read_block(expected, block_bytes), read_block(got, block_bytes)
        if not (options.case_sensitive or options.exact):
            left, right = left.lower(), right.lower()
        place = len(left) if options.exact else boundary(left)
        doubtful = numbers and b"nan" in (tail + left).lower()
        if left != right or not place or doubtful:
            return offset, tail + left, tail + right
        offset += len(tail) + place
        tail = left[place:]


def _same_count(
    expected: Sequence[bytes], got: Sequence[bytes], tolerance: Tolerance | None
) -> int:
    """Count the leading pieces that agree."""
    if tolerance is not None:
        return same_tokens(expected, got, tolerance)
    if expected == got:
        return len(expected)
    return next(place for place, piece in enumerate(expected) if piece != got[place])


def _compare_exactly(got: BinaryIO, offset: int, left: bytes, right: bytes) -> Comparison:
    """Compare the rest of two files that are equal up to `offset`."""
    if left == right:
        return _EQUAL
    if left.startswith(right):
        return _TOO_SHORT
    pairs = zip(left, right, strict=False)
    same = next((place for place, (one, other) in enumerate(pairs) if one != other), len(left))
    return _difference(got, offset + same, "is not right")


def _difference(got: BinaryIO, offset: int, what: str) -> Comparison:
    """Describe the difference at an offset by its line and token."""
    got.seek(0)
    line, token, in_token = 1, 1, False
    while offset > 0 and (block := read_block(got, min(offset, BLOCK_BYTES))):
        offset -= len(block)
        line += block.count(b"\n")
        token += len(block.split()) - (in_token and not block[:1].isspace())
        in_token = not block[-1:].isspace()
    return Comparison(False, token, line, f"line {line}, token {token} of the output {what}")
