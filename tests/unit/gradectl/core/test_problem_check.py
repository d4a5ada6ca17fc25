"""A folder that could not be graded is refused before anything is uploaded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.core.problem_check import (
    MAX_CASE_BYTES,
    check_problem,
    check_problem_id,
    object_key,
)
from grader.core.cases import pair

GOOD = {"description.md": 10, "testcases/1.in": 1, "testcases/1.ans": 1}


def test_a_complete_problem_has_no_findings() -> None:
    """Answers may end in .ans or .out, cases may be empty files and lie in folders."""
    more = {"testcases/2.in": 0, "testcases/2.out": 0, "testcases/group/a.in": 1}

    assert check_problem({**GOOD, **more, "testcases/group/a.ans": 1}) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"description.md": 0}, "description.md: missing or empty"),
        ({"testcases/2.in": 1}, "testcases/2.in: has no answer: 2.ans or 2.out"),
        ({"testcases/1.out": 1}, "testcases/1.in: has two answers: 1.ans and 1.out"),
        ({"testcases/2.ans": 1}, "testcases/2.ans: answers nothing: there is no 2.in"),
        ({"testcases/notes.txt": 1}, "testcases/notes.txt: neither .in, .ans nor .out"),
        ({"testcases/1.in": MAX_CASE_BYTES + 1}, "testcases/1.in: larger than 256 MiB"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, int], finding: str) -> None:
    """One line for each finding, beginning with the file."""
    assert finding in check_problem({**GOOD, **change})


@pytest.mark.parametrize("name", ["a b", "-x", "ä", "a\nb", ".."])
def test_names_are_plain(name: str) -> None:
    """They become object keys, and parts of log lines."""
    files = {**GOOD, f"testcases/{name}.in": 1, f"testcases/{name}.ans": 1}

    assert any("not a plain name" in finding for finding in check_problem(files))


def test_an_empty_folder_is_told_what_a_problem_is() -> None:
    """Both things that are missing are said at once."""
    findings = check_problem({})

    assert len(findings) == 2
    assert "NAME.in with NAME.ans or NAME.out" in findings[1]


@given(
    st.dictionaries(
        st.from_regex(r"testcases/[a-c1-3]{1,2}\.(in|ans|out)", fullmatch=True),
        st.just(1),
        max_size=8,
    )
)
def test_what_is_found_good_the_worker_can_pair(cases: dict[str, int]) -> None:
    """The check and the worker agree on what a test case is."""
    if check_problem({"description.md": 1, **cases}):
        return
    prefix = "problems/p/testcases/"
    found = pair(prefix, [object_key("p", path) for path in cases])

    assert len(found) * 2 == len(cases)


def test_ids_are_plain() -> None:
    """An id that the request message would refuse is refused here."""
    assert check_problem_id("sum-2.v1") == ""
    for bad in ("", "-sum", ".sum", "a/b", "a b", "x" * 129):
        assert "cannot be a problem id" in check_problem_id(bad)
