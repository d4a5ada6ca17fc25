"""Comparing by tokens."""

from __future__ import annotations

from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.compare import same_tokens

WHITE_SPACE = st.text(" \t\n\r\x0b\x0c", min_size=1, max_size=200_000).map(str.encode)
TOKENS = st.lists(st.binary(min_size=1).filter(lambda token: token.split() == [token]))


class Drip(BytesIO):
    """A stream that gives a few bytes at a time, so that every boundary is met."""

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(size or 3, 3))


def same(expected: bytes, actual: bytes) -> bool:
    return same_tokens(BytesIO(expected), BytesIO(actual))


@given(expected=st.binary(), actual=st.binary())
def test_it_agrees_with_splitting_both_in_memory(expected: bytes, actual: bytes) -> None:
    """What is compared by pieces is what `bytes.split` would have compared at once."""
    verdict = expected.split() == actual.split()

    assert same(expected, actual) is verdict
    assert same_tokens(Drip(expected), BytesIO(actual)) is verdict
    assert same_tokens(BytesIO(expected), Drip(actual)) is verdict


@given(tokens=TOKENS, data=st.data())
def test_white_space_between_and_around_tokens_does_not_matter(
    tokens: list[bytes], data: st.DataObject
) -> None:
    """Any run of spaces, tabs and line ends separates tokens, and it may lead and trail."""
    spread = b"".join(data.draw(WHITE_SPACE) + token for token in tokens) + data.draw(WHITE_SPACE)

    assert same(b" ".join(tokens), spread)
    assert same_tokens(Drip(spread), Drip(b"\n".join(tokens)))


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (b"1 2", b"12"),
        (b"12", b"1 2"),
        (b"1 2", b"1 2 3"),
        (b"1 2 3", b"1 2"),
        (b"1", b""),
        (b"", b"1"),
        (b"yes", b"YES"),
        (b"safe", b"safe\0"),
        (b"\xff", b"\xfe"),
        (b"0.5", b".5"),
    ],
)
def test_other_tokens_are_wrong(expected: bytes, actual: bytes) -> None:
    """Splitting, joining, case, NUL bytes and invalid UTF-8 all make a difference."""
    assert not same(expected, actual)


def test_a_token_longer_than_any_buffer_is_compared_to_its_end() -> None:
    """The last byte of a long token counts as much as its first."""
    long = b"x" * 1_000_000

    assert same(long + b"y", long + b"y\n")
    assert not same(long + b"y", long + b"z")
