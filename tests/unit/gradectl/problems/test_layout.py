"""A problem that cannot be graded is rejected before anything is uploaded."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.problems.layout import (
    MAX_CASE_BYTES,
    ProblemLayout,
    arrange,
    check_problem,
    check_problem_id,
)
from grader.problems.cases import find_cases
from grader.problems.findings import PackageReport
from grader.problems.model import StoredFile

GOOD = {"description.md": 10, "testcases/1.in": 1, "testcases/1.ans": 1}
PACKAGE = {
    "problem.yaml": 10,
    "problem_statement/problem.sv.md": 1,
    "problem_statement/problem.en.tex": 1,
    "data/testdata.yaml": 1,
    "data/sample/1.in": 1,
    "data/sample/1.ans": 1,
    "data/secret/easy/1.in": 1,
    "data/secret/easy/1.ans": 1,
    "output_validators/check/check.cpp": 1,
    "submissions/accepted/a.py": 1,
}


def test_a_complete_problem_has_no_findings() -> None:
    """Answers end in .ans or .out, cases may be empty and may be in folders."""
    more = {"testcases/2.in": 0, "testcases/2.out": 0, "testcases/group/a.in": 1}

    assert check_problem({**GOOD, **more, "testcases/group/a.ans": 1}) == []


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        ({"description.md": 0}, "description.md: missing or empty"),
        ({"testcases/2.in": 1}, "testcases/2.in: answer file missing: 2.ans or 2.out"),
        ({"testcases/1.out": 1}, "testcases/1.in: two answer files: 1.ans and 1.out"),
        ({"testcases/2.ans": 1}, "testcases/2.ans: input file missing: 2.in"),
        ({"testcases/notes.txt": 1}, "testcases/notes.txt: not a test case file (.in, .ans, .out)"),
        ({"testcases/1.in": MAX_CASE_BYTES + 1}, "testcases/1.in: larger than 256 MiB"),
    ],
)
def test_each_finding_is_reported(change: dict[str, int], finding: str) -> None:
    """One line per finding, starting with the file."""
    assert finding in check_problem({**GOOD, **change})


@pytest.mark.parametrize(
    ("name", "finding"),
    [
        ("-x", "starts with a dash"),
        ("a\nb", "has control characters"),
        ("\x1b[31m", "has control characters"),
        ("\udcff", "has control characters"),
        (" a", "starts or ends with a space"),
        ("x" * 1000, "more than 900 bytes"),
    ],
)
def test_unsafe_names_are_rejected(name: str, finding: str) -> None:
    """Names appear in object keys, logs and command lines; each finding is one line."""
    files = {**GOOD, f"testcases/{name}/1.in": 1, f"testcases/{name}/1.ans": 1}

    findings = check_problem(files)

    assert all(finding in line and "\n" not in line for line in findings)
    assert len(findings) == 2


@pytest.mark.parametrize(
    "name", ["a b", "\u00fcn\u00efc\u00f6de", "1 (copy)", "a&b<c>", "x,y", "a..b"]
)
def test_other_names_are_accepted(name: str) -> None:
    """An object key may have spaces and any letter; no shell sees it."""
    files = {**GOOD, f"testcases/{name}.in": 1, f"testcases/{name}.ans": 1}

    assert check_problem(files) == []


def test_a_package_is_mapped_to_the_layout_of_the_worker() -> None:
    """data/ becomes testcases/; the statement becomes description.md."""
    found = arrange(PACKAGE)

    assert check_problem(PACKAGE) == []
    assert found.layout is ProblemLayout.KATTIS
    assert found.objects == {
        "problem.yaml": "problem.yaml",
        "description.md": "problem_statement/problem.sv.md",
        "testcases/testdata.yaml": "data/testdata.yaml",
        "testcases/sample/1.in": "data/sample/1.in",
        "testcases/sample/1.ans": "data/sample/1.ans",
        "testcases/secret/easy/1.in": "data/secret/easy/1.in",
        "testcases/secret/easy/1.ans": "data/secret/easy/1.ans",
        "output_validators/check/check.cpp": "output_validators/check/check.cpp",
    }


def test_files_for_people_are_left_out() -> None:
    """Hints, pictures and sample outputs of the statement; data/invalid is ignored."""
    notes = ("sample/1.out", "secret/easy/1.hint", "secret/easy/1.png", "secret/README.md")
    found = arrange({**PACKAGE, **{f"data/{name}": 1 for name in notes}, "data/invalid/1.in": 1})

    assert set(found.left_out) == {f"data/{name}" for name in notes}
    assert len(found.objects) == len(arrange(PACKAGE).objects)


def test_settings_of_a_single_case_are_rejected() -> None:
    """Ignoring their arguments could make a verdict wrong."""
    files = {**PACKAGE, "data/secret/easy/1.yaml": 1}

    assert any("settings of a single case" in line for line in check_problem(files))


def test_an_empty_folder_lacks_a_description_and_cases() -> None:
    """Both findings are reported at once."""
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
def test_the_worker_pairs_the_cases_of_a_valid_problem(cases: dict[str, int]) -> None:
    """The check and the worker agree on the test cases."""
    if check_problem({"description.md": 1, **cases}):
        return
    findings = PackageReport()
    stored = (StoredFile(path, 1, "") for path in arrange(cases).objects)
    found = find_cases("testcases/", stored, findings)

    assert findings.errors == []
    assert len(found) * 2 == len(cases)


def test_problem_ids_are_restricted() -> None:
    """As in the request message."""
    assert check_problem_id("sum-2.v1") == ""
    for bad in ("", "-sum", ".sum", "a/b", "a b", "x" * 129):
        assert "is not a valid problem id" in check_problem_id(bad)
