"""Comparing outputs with answers."""

from __future__ import annotations

import math
import re
import tracemalloc
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.problems.compare import CompareOptions, Comparison, compare
from grader.problems.numbers import Tolerance

SMALL_BLOCK = 32  # so that tokens straddle blocks and long ones are digests
WHITE_SPACE = st.text(" \t\n\r\x0b\x0c", min_size=1, max_size=90).map(str.encode)
WORDS = st.one_of(
    st.sampled_from([b"a", b"A", b"aa", b"inf", b"-inf", b"nan", b"1_0", b"0x10", b"1e400", b"."]),
    st.integers(-20, 20).map(lambda number: str(number).encode()),
    st.floats(-2, 2, width=16).map(lambda number: f"{number:.3f}".encode()),
    st.binary(min_size=1, max_size=100).filter(lambda token: token.split() == [token]),
)
TEXTS = st.lists(st.one_of(WORDS, WHITE_SPACE), max_size=12).map(b"".join)
OPTIONS = st.builds(
    CompareOptions,
    exact=st.booleans(),
    case_sensitive=st.booleans(),
    space_sensitive=st.booleans(),
    tolerance=st.one_of(
        st.none(),
        st.sampled_from(
            [Tolerance(-1, 0.25), Tolerance(0, -1), Tolerance(0.5, -1), Tolerance(0.5, 0.25)]
        ),
    ),
)
NUMBER = re.compile(
    rb"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|[+-]?inf(?:inity)?|[+-]?nan|0x[0-9a-f]+",
    re.IGNORECASE,
)


class Drip(BytesIO):
    """A stream that gives a few bytes at a time, so that every boundary is met."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 3, 3))


class Endless(BytesIO):
    """A large stream that is nowhere held in memory."""

    def __init__(self, unit: bytes, times: int) -> None:
        """Repeat `unit`, `times` blocks of it."""
        super().__init__()
        self._block, self._left = unit * (65536 // len(unit)), times

    def read(self, _size: int | None = -1) -> bytes:
        self._left -= 1
        return self._block if self._left >= 0 else b""


def run(
    expected: bytes, got: bytes, options: CompareOptions, block: int = SMALL_BLOCK
) -> Comparison:
    return compare(BytesIO(expected), BytesIO(got), options, block_bytes=block)


def same(expected: bytes, got: bytes, *flags: str) -> bool:
    return run(expected, got, CompareOptions.from_flags(flags)).equal


def pieces(text: bytes, options: CompareOptions) -> list[bytes]:
    folded = text if options.case_sensitive else text.lower()
    return re.findall(rb"\s+|\S+", folded) if options.space_sensitive else folded.split()


def first_difference(expected: bytes, got: bytes, options: CompareOptions) -> int | None:
    """Compare as one would with all the memory and time of the world; None: no difference."""
    if options.exact:
        return None if expected == got else 0
    ours, theirs = pieces(got, options), pieces(expected, options)
    for place, (want, have) in enumerate(zip(theirs, ours, strict=False)):
        if not same_token(want, have, options.tolerance):
            return place
    return None if len(ours) == len(theirs) else min(len(ours), len(theirs))


def same_token(want: bytes, have: bytes, tolerance: Tolerance | None) -> bool:
    if tolerance is None or len(want) > SMALL_BLOCK or not NUMBER.fullmatch(want):
        return want == have
    if len(have) > SMALL_BLOCK or not NUMBER.fullmatch(have):
        return False
    one, other = value(want), value(have)
    if math.isinf(one) or math.isinf(other):
        return one == other
    return abs(one - other) <= tolerance.absolute or abs(one - other) <= tolerance.relative * abs(
        one
    )


def value(token: bytes) -> float:
    return float(int(token, 16)) if token.lower().startswith(b"0x") else float(token)


@given(expected=TEXTS, got=TEXTS, options=OPTIONS)
def test_it_agrees_with_comparing_everything_in_memory(
    expected: bytes, got: bytes, options: CompareOptions
) -> None:
    """Blocks, digests of long tokens and the quick ways change no verdict."""
    right = first_difference(expected, got, options) is None

    assert run(expected, got, options).equal is right
    assert run(expected, got, options, block=1 << 18).equal is right or has_long(expected + got)
    assert compare(Drip(expected), BytesIO(got), options).equal is right or has_long(expected + got)


def has_long(text: bytes) -> bool:
    """Numbers longer than a block are words, so the size of a block shows in these alone."""
    return any(len(word) > SMALL_BLOCK for word in text.split())


@given(text=TEXTS, options=OPTIONS, data=st.data())
def test_one_changed_token_is_judged_as_the_model_does(
    text: bytes, options: CompareOptions, data: st.DataObject
) -> None:
    """Most of a wrong output is right, so the difference is met after equal blocks."""
    words = text.split(b" ")
    words[data.draw(st.integers(0, len(words) - 1))] = data.draw(WORDS)
    changed = b" ".join(words)

    assert run(text, changed, options).equal is (first_difference(text, changed, options) is None)


@given(expected=TEXTS, got=TEXTS, case_sensitive=st.booleans())
def test_the_place_of_the_first_wrong_token_is_told(
    expected: bytes, got: bytes, case_sensitive: bool
) -> None:
    """Line and token are those that its author finds by counting in the output."""
    options = CompareOptions(case_sensitive=case_sensitive)
    place = first_difference(expected, got, options)
    result = run(expected, got, options)

    if place is None or place == len(got.split()):
        assert (result.token, result.line) == (None, None)
        return
    before = re.match(rb"\s*(?:\S+\s+){%d}" % place, got)
    assert before is not None
    assert result.token == place + 1
    assert result.line == before[0].count(b"\n") + 1


def test_what_is_told_never_contains_the_answer() -> None:
    """A submission must not be able to read the answers out of its verdicts."""
    for got in (b"1 2 3", b"1", b"1 secret more"):
        assert b"secret" not in run(b"1 secret", got, CompareOptions()).reason.encode()


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        *((b"1 2", b"12"), (b"12", b"1 2"), (b"1 2", b"1 2 3"), (b"1 2 3", b"1 2")),
        *((b"1", b""), (b"", b"1"), (b"yes", b"YES"), (b"safe", b"safe\0")),
        *((b"\xff", b"\xfe"), (b"0.5", b".5"), (b"\xc4", b"\xe4")),
    ],
)
def test_other_tokens_are_wrong(expected: bytes, got: bytes) -> None:
    """Splitting, joining, case, NUL bytes and invalid UTF-8 all make a difference."""
    assert not same(expected, got)


def test_white_space_around_tokens_does_not_matter_unless_asked_for() -> None:
    """Line ends of other systems, trailing spaces and a missing last line end are all right."""
    for got in (b"1 2\n3", b" 1\t2\r\n3\r\n", b"1\n\n2\x0b3 "):
        assert same(b"1 2\n3\n", got)
        assert not same(b"1 2\n3\n", got, "space_change_sensitive")
        assert not same(b"1 2\n3\n", got, "exact")
    assert same(b"1 2\n3\n", b"1 2\n3\n", "exact")
    assert same(b"Yes  no\n", b"yes  NO\n", "space_change_sensitive", "case_insensitive")


@pytest.mark.parametrize(
    ("expected", "got", "flags", "right"),
    [
        (b"0.0314", b"3.14000000e-2", "float_tolerance 1e-9", True),
        (b"1000", b"1000.9", "float_relative_tolerance 1e-3", True),
        (b"1000", b"1001.1", "float_relative_tolerance 1e-3", False),
        (b"1000", b"1000.9", "float_absolute_tolerance 1e-3", False),
        (b"0", b"0.0009", "float_absolute_tolerance 1e-3", True),
        (b"0", b"0.0009", "float_relative_tolerance 1e-3", False),
        (b"1", b"1.0", "float_tolerance 0", True),
        (b"7", b"seven", "float_tolerance 1", False),
        (b"seven", b"7", "float_tolerance 1", False),
        (b"1.0 ok", b"1 ok", "float_tolerance 1e-6", True),
        (b"nan", b"nan", "float_tolerance 1e-6", False),
        (b"1", b"NaN", "float_tolerance 1e6", False),
        (b"nan(7)", b"nan(7)", "float_tolerance 1e6", False),
        (b"inf", b"Infinity", "float_tolerance 1e-6", True),
        (b"inf", b"-inf", "float_tolerance 1e-6", False),
        (b"inf", b"1e308", "float_tolerance 1", False),
        (b"1e308", b"-1e308", "float_tolerance 1e9", False),
        (b"1e308", b"inf", "float_tolerance 1", False),
        (b"16", b"0x1p4", "float_tolerance 0", True),
        (b"10", b"1_0", "float_tolerance 0", False),
        (b"1_0", b"1_0", "float_tolerance 0", True),
        (b"Yes", b"yes", "float_tolerance 0", False),
        (b"Yes 1", b"yes 1.", "float_tolerance 0 case_insensitive", True),
        (b"1  2", b"1.0  2", "float_tolerance 0 space_change_sensitive", True),
        (b"1  2", b"1.0 2", "float_tolerance 0 space_change_sensitive", False),
    ],
)
def test_numbers_may_differ_by_a_tolerance(
    expected: bytes, got: bytes, flags: str, right: bool
) -> None:
    """Any spelling of a number counts; NaN never does, and infinity only as itself."""
    assert same(expected, got, *flags.split()) is right


def test_byte_for_byte_wins_over_a_tolerance() -> None:
    """What may be a number in the first block does not end the comparison there."""
    nan, flags = b"nan " * SMALL_BLOCK, ("exact", "float_tolerance", "1")

    assert same(nan, nan, *flags)
    assert not same(nan, nan + b"a", *flags)
    assert not same(nan + b"1", nan + b"2", *flags)


def test_a_tolerance_is_either_bound() -> None:
    """Where both are given, one of them is enough."""
    both = ("float_absolute_tolerance", "0.5", "float_relative_tolerance", "0.01")

    assert same(b"1000", b"1009", *both)
    assert same(b"1", b"1.4", *both)
    assert not same(b"1", b"1.6", *both)


@pytest.mark.parametrize(
    "flags",
    ["sloppy", "float_tolerance", "float_tolerance x", "float_tolerance -1", "float_tolerance inf"],
)
def test_flags_that_mean_nothing_are_refused(flags: str) -> None:
    """A misspelt tolerance would otherwise judge every submission wrongly."""
    with pytest.raises(ValueError, match=r"float_tolerance|sloppy"):
        CompareOptions.from_flags(flags.split())


def test_the_later_of_two_case_flags_counts() -> None:
    """What holds where nothing is said depends on the layout of the problem."""
    assert CompareOptions.from_flags(()).case_sensitive
    assert not CompareOptions.from_flags((), case_sensitive=False).case_sensitive
    assert CompareOptions.from_flags(("case_sensitive",), case_sensitive=False).case_sensitive


@pytest.mark.parametrize("unit", [b"x", b" ", b"12 ", b"12\n"])
def test_memory_is_bounded_however_long_an_output_or_a_token_is(unit: bytes) -> None:
    """A submission may write as much as its limit lets it; the worker holds a few blocks."""
    tracemalloc.start()
    try:
        longer = compare(Endless(unit, 400), Endless(unit, 401), CompareOptions())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert longer.equal is (unit == b" ")
    assert peak < 64 << 20
