"""Adding up cases."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from grader.contract.messages import CaseResult
from grader.contract.verdicts import Verdict
from grader.core.score import compile_error, grade

CASES = st.lists(
    st.builds(
        CaseResult,
        case=st.integers(1, 100),
        status=st.sampled_from(Verdict),
        time=st.integers(0, 10_000),
        memory=st.integers(0, 512),
    ),
    min_size=1,
)


@given(cases=CASES)
def test_the_grade_follows_from_the_cases(cases: list[CaseResult]) -> None:
    """Times add up, the highest memory counts, and the first fault names the verdict."""
    result = grade(cases)

    faults = [case.status for case in cases if case.status is not Verdict.ACCEPTED]
    assert result.verdict is (faults[0] if faults else Verdict.ACCEPTED)
    assert result.execution_time == sum(case.time for case in cases)
    assert result.memory_usage == max(case.memory for case in cases)
    assert result.test_results == tuple(cases)


@given(cases=CASES)
def test_a_full_score_means_that_every_case_was_accepted(cases: list[CaseResult]) -> None:
    """The score is rounded down, so 999 of 1000 is 99."""
    result = grade(cases)

    assert (result.score == 100) is (result.verdict is Verdict.ACCEPTED)
    assert 0 <= result.score <= 100


def test_a_source_that_does_not_compile_gets_the_compilers_words() -> None:
    """There are no cases to show, so the message is all that helps."""
    result = compile_error("solution.c:1: error")

    assert (result.verdict, result.score) == (Verdict.COMPILE_ERROR, 0)
    assert result.message == "solution.c:1: error"
