"""From the results of cases to a grade: points, groups, and what is still to be run."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.contract.messages import CaseResult
from grader.contract.verdicts import Fault, Verdict
from grader.problems.model import (
    Aggregation,
    CaseFiles,
    Group,
    Problem,
    ProblemSettings,
    StoredFile,
)
from grader.problems.scoring import Scorer, full_points

NO_FILE = StoredFile("", 0, "")
AC, WA, TLE = Verdict.ACCEPTED, Verdict.WRONG_ANSWER, Verdict.TIME_LIMIT_EXCEEDED


def problem(groups: Iterable[Group], cases: Iterable[str], *, gives_points: bool = True) -> Problem:
    return Problem(
        cases=tuple(
            CaseFiles(name, NO_FILE, NO_FILE, group=name.rpartition("/")[0]) for name in cases
        ),
        groups=tuple(groups),
        settings=ProblemSettings(gives_points=gives_points),
    )


def result(number: int, verdict: Verdict, score: float | None = None) -> CaseResult:
    return CaseResult(
        case=number,
        status=verdict,
        time=number,
        memory=10 * number,
        wall_time=2 * number,
        memory_kb=10_000 * number,
        score=score,
        fault=None if verdict is AC else Fault.SUBMISSION,
        reason=None if verdict is AC else f"because of {number}",
    )


def run(scorer: Scorer, of: Problem, verdict: Callable[[CaseFiles], Verdict]) -> list[str]:
    """Run like the worker; returns the cases that ran."""
    done = []
    for number, case in enumerate(of.cases, 1):
        if scorer.wants(case):
            scorer.add(case, result(number, verdict(case)))
            done.append(case.name)
    return done


def failing(*names: str) -> Callable[[CaseFiles], Verdict]:
    return lambda case: WA if case.name in names else AC


#: The example of docs/problems.md.
EXAMPLE = problem(
    (
        Group(),
        Group("sample", counts=False),
        Group("secret"),
        Group("secret/easy", Aggregation.MIN, accept_points=30, stop_at_reject=True),
        Group("secret/hard", accept_points=10, most_points=70),
    ),
    (
        "sample/1",
        *(f"secret/easy/{number}" for number in range(1, 4)),
        *(f"secret/hard/{number}" for number in range(1, 8)),
    ),
)


def test_the_worked_example() -> None:
    """Easy is all or nothing by its least case, hard pays by the case; the sample is for show."""
    scorer = Scorer(EXAMPLE)
    done = run(
        scorer,
        EXAMPLE,
        failing("sample/1", "secret/hard/2", "secret/hard/5", "secret/hard/7"),
    )
    grade = scorer.grade()

    assert full_points(EXAMPLE) == 100
    assert (grade.verdict, grade.score, len(done)) == (WA, 70, 11)
    assert grade.reason == "because of 6"  # secret/hard/2: the sample does not count


def test_a_failed_group_gives_nothing_and_ends_early_where_it_says_so() -> None:
    """`on_reject: break` holds for its own group; the next one is run."""
    scorer = Scorer(EXAMPLE)
    done = run(scorer, EXAMPLE, failing("secret/easy/2"))
    grade = scorer.grade()

    assert "secret/easy/3" not in done
    assert "secret/hard/7" in done
    assert (grade.verdict, grade.score) == (WA, 70)
    assert (grade.cases_total, len(grade.test_results)) == (11, 10)


def test_the_grade_follows_from_the_cases() -> None:
    """Times add up, the highest memory counts, groups and points are told by case."""
    scorer = Scorer(EXAMPLE)
    run(scorer, EXAMPLE, failing("secret/hard/1"))
    grade = scorer.grade()

    assert (grade.execution_time, grade.wall_time) == (66, 132)
    assert (grade.memory_usage, grade.memory_kb) == (110, 110_000)
    assert (grade.fault, grade.reason) == (Fault.SUBMISSION, "because of 5")
    shown = [(one.group, one.score) for one in grade.test_results]
    assert shown[1] == ("secret/easy", 30)
    assert shown[4] == ("secret/hard", 0)


def test_points_of_the_checker_come_before_those_of_the_group() -> None:
    """A partial score is a partial share of the whole, and accepted all the same."""
    of = problem([Group(most_points=20, accept_points=10)], ["1", "2"])
    scorer = Scorer(of)
    scorer.add(of.cases[0], result(1, AC, score=2.5))
    scorer.add(of.cases[1], result(2, AC))

    assert (scorer.grade().verdict, scorer.grade().score) == (AC, 62)


def test_a_group_is_held_within_its_range() -> None:
    """More points than there are, or fewer than none, move no other group's."""
    of = problem(
        [
            Group(),
            Group("a", most_points=10, accept_points=10),
            Group("b", most_points=10, least_points=0, reject_points=-50, accept_points=10),
        ],
        ["a/1", "a/2", "b/1"],
    )
    scorer = Scorer(of)
    run(scorer, of, failing("b/1"))

    assert scorer.grade().score == 50


@pytest.mark.parametrize(
    ("aggregation", "score"),
    [
        (Aggregation.SUM, 75),
        (Aggregation.AVERAGE, 75),
        (Aggregation.MIN, 0),
        (Aggregation.MAX, 99),
        (Aggregation.ALL_OR_NOTHING, 0),
    ],
)
def test_a_group_adds_up_as_it_says(aggregation: Aggregation, score: int) -> None:
    """Three of four; and 100 is kept for what is accepted wholly, even where the best counts."""
    of = problem([Group(aggregation=aggregation)], "1234")
    scorer = Scorer(of)
    run(scorer, of, failing("3"))

    assert scorer.grade().score == score


def test_the_request_can_stop_everything_at_the_first_failure() -> None:
    """A contest needs no more than the verdict."""
    scorer = Scorer(EXAMPLE, stop_at_first_failure=True)
    done = run(scorer, EXAMPLE, failing("secret/hard/2"))

    assert done[-1] == "secret/hard/2"
    assert scorer.grade().score == 40


def test_a_rejected_group_stops_the_group_around_it_where_that_breaks() -> None:
    """The inner group goes on to its end if it says continue; then the outer one is over."""
    of = problem(
        [Group(), Group("s", stop_at_reject=True), Group("s/a"), Group("s/b"), Group("t")],
        ["s/a/1", "s/a/2", "s/b/1", "t/1"],
    )

    assert run(Scorer(of), of, failing("s/a/1")) == ["s/a/1", "s/a/2", "t/1"]


def test_a_group_that_needs_another_waits_for_all_of_it() -> None:
    """With `require_pass`, hard cases give no points without the easy ones."""
    of = problem([Group(), Group("a"), Group("b", require_pass=("a",))], ["a/1", "a/2", "b/1"])

    assert run(Scorer(of), of, failing()) == ["a/1", "a/2", "b/1"]
    assert run(Scorer(of), of, failing("a/1")) == ["a/1", "a/2"]


def test_where_only_samples_are_run_they_count() -> None:
    """A request may name the sample directory alone."""
    of = problem([Group(), Group("sample", counts=False)], ["sample/1", "sample/2"])
    scorer = Scorer(of)
    run(scorer, of, failing("sample/2"))

    assert (scorer.grade().verdict, scorer.grade().score) == (WA, 50)


NAMES = st.lists(
    st.sampled_from([f"{group}{n}" for group in ("", "a/", "b/", "b/c/") for n in range(5)]),
    min_size=1,
    unique=True,
)


@given(names=NAMES, data=st.data())
def test_without_groups_of_its_own_a_score_is_the_share_of_accepted_cases(
    names: list[str], data: st.DataObject
) -> None:
    """Rounded down, so that 999 of 1000 is 99; the first failure names the verdict."""
    of = problem([Group(name) for name in ("", "a", "b", "b/c")], names, gives_points=False)
    verdicts = {name: data.draw(st.sampled_from([AC, WA, TLE])) for name in names}
    scorer = Scorer(of)
    run(scorer, of, lambda case: verdicts[case.name])
    grade = scorer.grade()

    failed = [verdict for verdict in verdicts.values() if verdict is not AC]
    assert grade.score == 100 * (len(names) - len(failed)) // len(names)
    assert grade.verdict is (failed[0] if failed else AC)
    assert all(one.score is None for one in grade.test_results)


GROUPS = st.builds(
    Group,
    aggregation=st.sampled_from(Aggregation),
    stop_at_reject=st.booleans(),
    accept_points=st.sampled_from([0.1, 1, 7, 30]),
    most_points=st.sampled_from([None, 10, 100 / 3]),
    counts=st.booleans(),
)


@given(
    names=NAMES,
    groups=st.tuples(*[GROUPS] * 4),
    data=st.data(),
    stop=st.booleans(),
)
def test_a_full_score_means_that_everything_was_accepted(
    names: list[str], groups: tuple[Group, ...], data: st.DataObject, stop: bool
) -> None:
    """Whatever the rules, 100 is never given away, and a verdict of AC hides no failed case."""
    tree = [
        Group(name, one.aggregation, one.stop_at_reject, one.accept_points, 0.0, counts=one.counts)
        for name, one in zip(("", "a", "b", "b/c"), groups, strict=True)
    ]
    of = problem(tree, names)
    verdicts = {name: data.draw(st.sampled_from([AC, AC, WA])) for name in names}
    scorer = Scorer(of, stop_at_first_failure=stop)
    done = run(scorer, of, lambda case: verdicts[case.name])
    grade = scorer.grade()

    assert 0 <= grade.score <= 100
    if all(verdict is AC for verdict in verdicts.values()):
        assert (grade.score, grade.verdict, done) == (100, AC, names)
    if grade.verdict is not AC:
        assert grade.score < 100
    if stop:
        assert all(verdicts[name] is AC for name in done[:-1])


def test_ten_thousand_failures_do_not_outgrow_a_message() -> None:
    """The first say why; the rest say what, and count like any other."""
    of = problem([Group("")], (str(number) for number in range(10_000)))
    scorer = Scorer(of)

    run(scorer, of, lambda _case: WA)
    cases = scorer.grade().test_results

    assert [one.case for one in cases if one.reason] == list(range(1, 1001))
    assert {one.fault for one in cases} == {Fault.SUBMISSION}
