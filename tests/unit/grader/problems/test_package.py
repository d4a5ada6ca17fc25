"""From a listing and a few small files to a problem."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.problems.findings import PackageReport
from grader.problems.model import Aggregation, Group, Problem, StoredFile
from grader.problems.package import Listing, examine, read
from grader.problems.scoring import full_points

ROOT = "problems/p/"
KATTIS = ("sample/1", "secret/1", "secret/2")
GROUPED = ("sample/1", "secret/a/1", "secret/a/2", "secret/b/1", "secret/b/2")
CUSTOM = {"output_validators/check.py": ""}


def listing(cases: tuple[str, ...], files: dict[str, str], below: str = "testcases/") -> Listing:
    names = [*files, *(f"testcases/{case}{end}" for case in cases for end in (".in", ".ans"))]
    return Listing(ROOT, ROOT + below, tuple(StoredFile(ROOT + name, 1, "e") for name in names))


def make(
    cases: tuple[str, ...], files: dict[str, str] | None = None, below: str = "testcases/"
) -> tuple[Problem, PackageReport]:
    """Make a problem of cases and the text of other files, by their paths."""
    findings = PackageReport()
    found = listing(cases, files or {}, below)
    contents = {
        file.key: (files or {})[file.key.removeprefix(ROOT)].encode()
        for file in found.settings_files()
    }
    return examine(found, contents, findings), findings


def good(cases: tuple[str, ...], files: dict[str, str] | None = None) -> Problem:
    problem, findings = make(cases, files)
    assert findings.errors == []
    assert findings.warnings == []
    return problem


def group(problem: Problem, name: str) -> Group:
    return next(one for one in problem.groups if one.name == name)


def errors(cases: tuple[str, ...], files: dict[str, str]) -> str:
    return "\n".join(error.text for error in make(cases, files)[1].errors)


def warnings(cases: tuple[str, ...], files: dict[str, str]) -> str:
    problem, findings = make(cases, files)
    assert findings.errors == []
    assert problem.cases
    return "\n".join(findings.warnings)


def test_without_settings_every_case_counts_the_same() -> None:
    """The oldest problems have nothing but cases; all are run, and case matters in words."""
    problem = good(("1", "more/2", "secret/3"))

    assert full_points(problem) == 3
    assert not any(one.stop_at_reject for one in problem.groups)
    assert problem.settings.case_sensitive
    assert [case.group for case in problem.cases] == ["", "more", "secret"]


def test_a_package_is_passed_or_failed_unless_it_says_otherwise() -> None:
    """Kattis' defaults: all or nothing, stop at the first failure, and case does not matter."""
    problem = good(KATTIS, {"problem.yaml": "name: Sum\nlicense: cc0\n"})

    assert group(problem, "").aggregation is Aggregation.ALL_OR_NOTHING
    assert full_points(problem) == 1
    assert all(one.stop_at_reject for one in problem.groups)
    assert not problem.settings.case_sensitive
    assert problem.settings.title == "Sum"


def test_limits_are_read_in_the_worker_s_units() -> None:
    """Seconds become milliseconds; also in the spelling of YAML that is text."""
    limits = "{time_limit: 2.5, memory: 256, output: 8, validation_time: 1e1, code: 64}"
    settings = good(KATTIS, {"problem.yaml": f"limits: {limits}"}).settings

    assert (settings.time_limit_ms, settings.memory_limit_mb) == (2500, 256)
    assert (settings.output_limit_mb, settings.check_time_ms) == (8, 10_000)
    assert (settings.source_limit_kb, settings.check_memory_mb) == (64, None)


def test_legacy_groups_hand_their_values_down() -> None:
    """As Kattis' own tools read them: what a group does not say, the directory above says."""
    problem = good(
        GROUPED,
        {
            "problem.yaml": "type: scoring\nvalidator_flags: float_tolerance 1e-6\n",
            "testcases/testdata.yaml": "on_reject: continue\ngrader_flags: ignore_sample\n",
            "testcases/secret/testdata.yaml": "range: 0 100",
            "testcases/secret/a/testdata.yaml": "accept_score: 40\ngrader_flags: min\n"
            "range: 0 40\non_reject: break\noutput_validator_flags: case_sensitive",
            "testcases/secret/b/testdata.yaml": "accept_score: 30\nrange: 0 60",
        },
    )

    assert not group(problem, "sample").counts
    a, b = group(problem, "secret/a"), group(problem, "secret/b")
    assert (a.aggregation, a.accept_points, a.stop_at_reject) == (Aggregation.MIN, 40, True)
    assert (b.aggregation, b.accept_points, b.stop_at_reject) == (Aggregation.SUM, 30, False)
    assert full_points(problem) == 100
    assert problem.cases[1].flags == ("float_tolerance", "1e-6", "case_sensitive")
    assert problem.cases[3].flags == ("float_tolerance", "1e-6")


def test_later_groups_share_their_points_among_their_cases() -> None:
    """2023-07: sum divides, min and pass-fail do not; samples never count."""
    problem = good(
        (*GROUPED, "secret/b/deep/3"),
        {
            "problem.yaml": "problem_format_version: 2023-07\ntype: scoring",
            "testcases/secret/a/test_group.yaml": "max_score: 40",
            "testcases/secret/b/test_group.yaml": "max_score: 60\nscore_aggregation: sum\n"
            "require_pass: secret/a\noutput_validator_args: [float_tolerance, 1e-6]",
        },
    )

    a, b = group(problem, "secret/a"), group(problem, "secret/b")
    assert (a.aggregation, a.most_points) == (Aggregation.ALL_OR_NOTHING, 40)
    assert (b.aggregation, b.accept_points, b.require_pass) == (Aggregation.SUM, 20, ("secret/a",))
    assert not group(problem, "sample").counts
    assert full_points(problem) == 100
    assert {case.flags for case in problem.cases if case.group == "secret/b"} == {
        ("float_tolerance", "1e-6")
    }


def test_packages_between_the_formats_keep_the_groups_of_the_legacy_one() -> None:
    """Many say 2023-07-draft and have testdata.yaml: its points and defaults hold then."""
    problem, findings = make(
        GROUPED,
        {
            "problem.yaml": "problem_format_version: 2023-07-draft\ntype: scoring",
            "testcases/sample/testdata.yaml": "accept_score: 0",
            "testcases/secret/testdata.yaml": "on_reject: continue\nrange: 0 3\n"
            "grader_flags: first_error accept_if_any_accepted",
            "testcases/secret/a/testdata.yaml": "accept_score: 1\nrange: 0 1\ngrader_flags: min",
            "testcases/secret/b/testdata.yaml": "accept_score: 2\nrange: 0 2\ngrader_flags: min",
        },
    )

    assert findings.errors == []
    assert full_points(problem) == 3
    assert group(problem, "secret/b").aggregation is Aggregation.MIN


def test_names_of_objects_cannot_break_a_message_into_lines() -> None:
    """What is found becomes headers of messages and lines of logs."""
    findings = make(("1", "a\nb\x1b[31m"), {"testcases/x\ny.in": ""})[1]

    assert all(error.text.isprintable() for error in findings.errors)


def test_a_part_of_the_cases_keeps_its_groups_and_checker() -> None:
    """A request may name a directory of the problem's cases, to run the samples only."""
    problem, findings = make(KATTIS, {"problem.yaml": "", **CUSTOM}, below="testcases/sample/")

    assert findings.errors == []
    assert [case.name for case in problem.cases] == ["sample/1"]
    assert problem.cases[0].group == "sample"
    assert problem.validator is not None


def test_a_program_among_the_validators_judges_unless_told_otherwise() -> None:
    """`validation: default` with a program gives a warning."""
    with_program = good(KATTIS, {"problem.yaml": "validation: custom", **CUSTOM})
    unused = {"problem.yaml": "validation: default", **CUSTOM}

    assert with_program.validator is not None
    assert with_program.validator.language == "python"
    assert "is ignored" in warnings(KATTIS, unused)
    assert make(KATTIS, unused)[0].validator is None


@pytest.mark.parametrize(
    ("yaml", "what"),
    [
        ("a: [1", "problem.yaml: invalid YAML: line 1"),
        ("- list", "must be a mapping of keys to values"),
        ("[" * 5000, "problem.yaml: invalid YAML"),
        ("limits: 3", "limits: must be a mapping of keys to values"),
        ("limits: {time_limit: fast}", "limits: time_limit: must be a number"),
        ("limits: {time_limit: true}", "limits: time_limit: must be a number"),
        ("limits: {time_limit: 0}", "limits: time_limit: must be above 0"),
        ("limits: {memory: .nan}", "limits: memory: must be a number"),
        ("limits: {memory: " + "9" * 400 + "}", "limits: memory: must be a number"),
        ("type: interactive", "'interactive' problems are not supported"),
        ("type: [pass-fail, scoring]", "cannot be both"),
        ("validation: custom interactive", "interactive problems are not supported"),
        ("validation: custom", "output_validators/ has no program"),
        ("validation: magic", "must be default, custom"),
        ("validator_flags: float_tolerance", "float_tolerance"),
        ('validator_flags: "a\\0b"', "validator_flags: has control characters"),
        ("validator_flags: {a: b}", "must be words"),
        ("grading: {objective: min}", "more points are always better"),
        ("allow_file_writing: maybe", "must be true or false"),
    ],
)
def test_what_cannot_be_graded_is_named(yaml: str, what: str) -> None:
    """The file, the key and what is wrong, on one line; never an exception of the parser."""
    assert what in errors(KATTIS, {"problem.yaml": yaml})


@pytest.mark.parametrize(
    ("yaml", "what"),
    [
        ("range: 1", "range: must be two numbers"),
        ("range: 5 1", "range: the least is above the most"),
        ("range: nan 1", "range: the least is above the most"),
        ("grading: custom", "custom graders are not supported"),
        ("on_reject: maybe", "on_reject: must be one of break, continue"),
        ("max_score: unbounded", "max_score: must be a number"),
        ("args: [-x]", "args: is not supported"),
        ("require_pass: secret/z", "not an earlier group"),
        ("require_pass: secret", "not an earlier group"),
        ("accept_score: 0", "no case gives points"),
    ],
)
def test_settings_of_a_group_that_cannot_be_are_named(yaml: str, what: str) -> None:
    """Guessing would give some submissions the wrong score."""
    files = {"problem.yaml": "type: scoring", "testcases/secret/a/testdata.yaml": yaml}

    assert what in errors(("secret/a/1",), files)


def test_a_later_group_without_points_is_named() -> None:
    """A percentage needs a whole."""
    files = {"problem.yaml": "problem_format_version: 2023-07\ntype: scoring"}

    assert "max_score: missing" in errors(GROUPED, files)


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({"problem.yaml": "limit: {}"}, "problem.yaml: 'limit': unknown key, ignored"),
        ({"problem.yaml": "limits: {tme: 1}"}, "limits: 'tme': unknown key"),
        ({"problem.yaml": "problem_format_version: 2031"}, "is unknown; read as the latest"),
        ({"problem.yaml": "languages: [c]"}, "languages: is not supported"),
        ({"problem.yaml": "", "testcases/testdata.yaml": "on_rejct: break"}, "'on_rejct'"),
        ({"problem.yaml": "", "testcases/none/testdata.yaml": ""}, "has no cases"),
        (
            {"problem.yaml": "", "testcases/testdata.yaml": "grader_flags: always_accept best"},
            "always_accept: no effect",
        ),
        (
            {"problem.yaml": "type: scoring", "testcases/secret/testdata.yaml": "range: 0 9"},
            "secret: 9 points, but its cases and groups give only 2",
        ),
        (
            {"problem.yaml": "", "testcases/testdata.yaml": "", "testcases/test_group.yaml": ""},
            "a second settings file of this group",
        ),
    ],
)
def test_what_is_not_understood_is_a_warning(files: dict[str, str], what: str) -> None:
    """Packages carry keys of other judges; they are graded all the same."""
    assert what in warnings(KATTIS, files)


def test_a_problem_that_cannot_be_graded_says_the_first_reason_and_how_many() -> None:
    """The result message has room for one sentence."""
    found = listing(("1",), {"problem.yaml": "", "testcases/2.in": "", "testcases/3.in": ""})

    with pytest.raises(RequestError, match=r"has no answer: .* \(and 1 more\)") as caught:
        read(found, {ROOT + "problem.yaml": b""})

    assert caught.value.code == ErrorCode.TEST_CASES_NOT_FOUND


def test_a_directory_without_cases_is_an_error_of_the_request() -> None:
    """Nothing to judge by is not an accepted submission."""
    _, findings = make(KATTIS, {}, below="testcases/secret/9/")

    assert [error.code for error in findings.errors] == [ErrorCode.TEST_CASES_NOT_FOUND]


def test_ten_thousand_cases_are_listed_and_not_held() -> None:
    """What is known of a case is its name, its size and its ETag."""
    problem = good(tuple(f"secret/{number}" for number in range(10_000)))

    assert [case.name for case in problem.cases[:3]] == ["secret/0", "secret/1", "secret/2"]
    assert len(problem.cases) == 10_000


@given(
    st.dictionaries(
        st.sampled_from(
            ["type", "limits", "validation", "validator_flags", "grading", "name", "on_reject",
             "range", "accept_score", "grader_flags", "output_validator_flags", "max_score",
             "score_aggregation", "require_pass", "problem_format_version"]
        ),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8)
            | st.sampled_from(["scoring", "pass-fail", "custom score", "min", "0 10", "2023-07"]),
            lambda inner: st.lists(inner, max_size=3)
            | st.dictionaries(st.text(max_size=5), inner, max_size=3),
            max_leaves=6,
        ),
        max_size=6,
    ),
    st.binary(max_size=40),
)  # fmt: skip
def test_no_settings_file_can_crash_the_reading(values: dict[str, object], junk: bytes) -> None:
    """Whatever a package says, it is graded, warned of, or refused with a reason."""
    found = listing(GROUPED, {"problem.yaml": "", "testcases/secret/testdata.yaml": ""})
    text = repr(values).replace("None", "null").encode()  # most of what repr writes is YAML
    for first, second in ((text, text), (junk, text), (text, junk)):
        findings = PackageReport()
        keys = (ROOT + "problem.yaml", ROOT + "testcases/secret/testdata.yaml")
        problem = examine(found, dict(zip(keys, (first, second), strict=True)), findings)

        assert findings.errors or full_points(problem) > 0
