"""Finding test cases among object keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.core.cases import natural_key, pair
from grader.errors import RequestError

PREFIX = "problems/p/testcases/"


def names(*keys: str) -> list[str]:
    return [case.name for case in pair(PREFIX, [PREFIX + key for key in keys])]


def test_cases_come_in_natural_order() -> None:
    """Case 10 is after case 2, and the samples are before the secret ones."""
    found = names(
        *("secret/1.in", "secret/1.ans", "10.in", "10.ans", "2.in", "2.ans"),
        *("sample/1.in", "sample/1.ans"),
    )

    assert found == ["2", "10", "sample/1", "secret/1"]


def test_an_answer_ends_in_ans_or_out() -> None:
    """Both habits exist; where both files do, .ans counts."""
    (first, second) = pair(
        PREFIX, [PREFIX + name for name in ("1.in", "1.out", "2.in", "2.out", "2.ans")]
    )

    assert first.answer_key == PREFIX + "1.out"
    assert second.answer_key == PREFIX + "2.ans"


def test_other_files_are_no_cases() -> None:
    """A problem's folder may hold notes and pictures."""
    assert names("1.in", "1.ans", "README.md", "2.ans") == ["1"]


def test_a_case_without_an_answer_is_named() -> None:
    """Whoever made the problem reads which file is missing."""
    with pytest.raises(RequestError, match=r"2\.in has no answer: .*2\.ans or .*2\.out") as caught:
        names("1.in", "1.ans", "2.in")

    assert caught.value.code == "TEST_CASES_NOT_FOUND"


def test_no_case_at_all_is_an_error() -> None:
    """Nothing to judge by is not an accepted submission."""
    with pytest.raises(RequestError, match="no test case") as caught:
        names("README.md")

    assert caught.value.code == "TEST_CASES_NOT_FOUND"


@given(st.lists(st.text("0123456789abc./\u0663", max_size=8)))
def test_any_names_can_be_put_in_order(found: list[str]) -> None:
    """Digits, letters and foreign digits never stop the sorting, and no name is lost."""
    assert sorted(sorted(found, key=natural_key)) == sorted(found)
