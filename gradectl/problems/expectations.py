"""Expected verdicts by folder of submissions, and the time limit that fits them; pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from grader.contract.messages import Grade
from grader.contract.verdicts import Verdict

ACCEPTED, TOO_SLOW = "accepted", "time_limit_exceeded"
_STEP_MS = 100
_AC = Verdict.ACCEPTED
_CRASHES = {
    Verdict.RUNTIME_ERROR,
    Verdict.MEMORY_LIMIT_EXCEEDED,
    Verdict.OUTPUT_LIMIT_EXCEEDED,
}
_FAILURES = {*_CRASHES, Verdict.WRONG_ANSWER, Verdict.TIME_LIMIT_EXCEEDED}


@dataclass(frozen=True)
class Expectation:
    """
    The verdicts expected of the submissions in a folder.

    Args:
        words: Short text for tables.
        required: At least one case has one of these verdicts.
        permitted: Every case has one of these verdicts.
        partial: The score is from 1 to 99; verdicts are not checked.
    """

    words: str
    required: frozenset[Verdict] = frozenset()
    permitted: frozenset[Verdict] = frozenset(Verdict)
    partial: bool = False


def _expect(required: set[Verdict], *others: Verdict) -> Expectation:
    words = " or ".join(sorted(required))
    return Expectation(words, frozenset(required), frozenset({*required, *others}))


#: The folder names of Kattis packages, and some for verdicts that only this judge has.
EXPECTATIONS = {
    ACCEPTED: _expect({_AC}),
    "partially_accepted": Expectation("partial score", partial=True),
    "wrong_answer": _expect({Verdict.WRONG_ANSWER}, _AC),
    TOO_SLOW: _expect({Verdict.TIME_LIMIT_EXCEEDED}, _AC, Verdict.WRONG_ANSWER),
    "run_time_error": _expect(_CRASHES, *_FAILURES, _AC),
    "memory_limit_exceeded": _expect({Verdict.MEMORY_LIMIT_EXCEEDED}, *_FAILURES, _AC),
    "output_limit_exceeded": _expect({Verdict.OUTPUT_LIMIT_EXCEEDED}, *_FAILURES, _AC),
    "compile_error": _expect({Verdict.COMPILE_ERROR}),
    "rejected": Expectation("not AC", frozenset({*_FAILURES, Verdict.COMPILE_ERROR})),
    "brute_force": Expectation(
        "TLE or a crash, never WA",
        frozenset({*_CRASHES, Verdict.TIME_LIMIT_EXCEEDED}),
        frozenset({*_CRASHES, Verdict.TIME_LIMIT_EXCEEDED, _AC}),
    ),
}


def deviation(folder: str, grade: Grade) -> str:
    """Return how a grade deviates from the expectation of a folder; empty if it does not."""
    expected = EXPECTATIONS[folder]
    if expected.partial:
        is_partial = grade.score not in (0, 100)
        return "" if is_partial else f"score {grade.score}, from 1 to 99 expected"
    verdicts = [(f"case {one.case}", one.status) for one in grade.test_results]
    verdicts = verdicts or [("the verdict", grade.verdict)]
    for subject, verdict in verdicts:
        if verdict not in expected.permitted:
            return f"{subject} is {verdict}"
    if not any(verdict in expected.required for _, verdict in verdicts):
        return f"no case is {expected.words}"
    return ""


@dataclass(frozen=True)
class Timing:
    """
    The measured times, compared with the time limit.

    Args:
        limit_ms: The time limit in CPU milliseconds.
        slowest_accepted_ms: Slowest case of all accepted submissions; None without one.
        too_slow_ms: Slowest case of each submission that has to be too slow; for one that was
            stopped, the time at which it was.
        accepted_factor: Required ratio of the limit to the slowest accepted case.
        too_slow_factor: Required ratio of each too slow submission to the limit.
    """

    limit_ms: int
    slowest_accepted_ms: int | None
    too_slow_ms: Sequence[int]
    accepted_factor: float
    too_slow_factor: float

    @property
    def suggested_ms(self) -> int | None:
        """The smallest limit, in steps of 100 ms, with the required ratio; None without a time."""
        if self.slowest_accepted_ms is None:
            return None
        return suggest_limit(self.slowest_accepted_ms, self.accepted_factor)

    @property
    def too_slow_margin(self) -> float | None:
        """Ratio of the fastest too slow submission to the limit, at most the required one."""
        if not self.too_slow_ms:
            return None
        return min(min(self.too_slow_ms) / self.limit_ms, self.too_slow_factor)

    def warnings(self) -> list[str]:
        """Return a warning for each required ratio that the limit does not meet."""
        found = []
        suggested, margin = self.suggested_ms, self.too_slow_margin
        if suggested is None:
            found.append("no accepted submission: nothing shows that the problem can be solved")
        elif suggested > self.limit_ms:
            found.append(
                f"the time limit of {self.limit_ms} ms is below {self.accepted_factor:g} x the"
                f" slowest accepted case ({self.slowest_accepted_ms} ms); suggested: {suggested} ms"
            )
        if margin is not None and margin < self.too_slow_factor:
            found.append(
                f"the fastest submission that is too slow takes {min(self.too_slow_ms)} ms,"
                f" {margin:.2f} x the time limit; {self.too_slow_factor:g} x is recommended"
            )
        return found


def suggest_limit(slowest_ms: int, factor: float) -> int:
    """Return the smallest multiple of 100 ms that is at least `factor` times the slowest case."""
    return max(math.ceil(round(slowest_ms * factor, 6) / _STEP_MS), 1) * _STEP_MS
