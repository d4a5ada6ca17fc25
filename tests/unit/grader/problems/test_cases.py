"""Finding test cases among object keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grader.contract.verdicts import ErrorCode
from grader.problems.cases import find_cases, natural_key
from grader.problems.findings import PackageReport
from grader.problems.model import CaseFiles, StoredFile

PREFIX = "problems/p/testcases/"


def find(*names: str) -> tuple[list[CaseFiles], PackageReport]:
    findings = PackageReport()
    files = [StoredFile(PREFIX + name, 1, "e") for name in names]
    return find_cases(PREFIX, files, findings), findings


def names(*keys: str) -> list[str]:
    return [case.name for case in find(*keys)[0]]


def test_cases_come_in_natural_order() -> None:
    """Case 10 is after case 2, and the samples are before the secret ones."""
    found = names(
        *("secret/1.in", "secret/1.ans", "10.in", "10.ans", "2.in", "2.ans"),
        *("sample/1.in", "sample/1.ans"),
    )

    assert found == ["2", "10", "sample/1", "secret/1"]


def test_an_answer_ends_in_ans_or_out() -> None:
    """Both habits exist; where both files do, .ans counts."""
    first, second = find("1.in", "1.out", "2.in", "2.out", "2.ans")[0]

    assert first.answer_key == PREFIX + "1.out"
    assert second.answer_key == PREFIX + "2.ans"


def test_other_files_are_no_cases() -> None:
    """A problem's folder may hold notes and pictures."""
    assert names("1.in", "1.ans", "README.md", "2.ans") == ["1"]


def test_a_case_without_an_answer_is_named() -> None:
    """Whoever made the problem reads which file is missing."""
    (error,) = find("1.in", "1.ans", "2.in")[1].errors

    assert error.code is ErrorCode.TEST_CASES_NOT_FOUND
    assert error.text == f"{PREFIX}2.in has no answer: {PREFIX}2.ans or {PREFIX}2.out"


def test_no_case_at_all_is_an_error() -> None:
    """Nothing to judge by is not an accepted submission."""
    (error,) = find("README.md")[1].errors

    assert error.code is ErrorCode.TEST_CASES_NOT_FOUND
    assert "no test case" in error.text


def test_the_group_of_a_case_is_its_directory() -> None:
    """Groups may lie in groups; the root has no name."""
    assert [case.group for case in find("1.in", "1.ans", "a/b/1.in", "a/b/1.ans")[0]] == ["", "a/b"]


@given(st.lists(st.text("0123456789abc./\u0663", max_size=8)))
def test_any_names_can_be_put_in_order(found: list[str]) -> None:
    """Digits, letters and foreign digits never stop the sorting, and no name is lost."""
    assert sorted(sorted(found, key=natural_key)) == sorted(found)
