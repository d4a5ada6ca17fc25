"""Do a problem's own submissions do what their folders say, and which limit fits? Pure."""

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
    What a folder of submissions promises.

    Args:
        words: The same for people.
        required: At least one case comes to one of these.
        permitted: No case comes to anything else.
        partial: The score is above 0 and below 100 instead.
    """

    words: str
    required: frozenset[Verdict] = frozenset()
    permitted: frozenset[Verdict] = frozenset(Verdict)
    partial: bool = False


def _expect(required: set[Verdict], *others: Verdict) -> Expectation:
    words = " or ".join(sorted(required))
    return Expectation(words, frozenset(required), frozenset({*required, *others}))


#: What packages call their folders, and a few more for what only this judge tells apart.
EXPECTATIONS = {
    ACCEPTED: _expect({_AC}),
    "partially_accepted": Expectation("a part of the score", partial=True),
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
    """Say how a grade differs from what a folder promises; nothing when it does not."""
    expected = EXPECTATIONS[folder]
    if expected.partial:
        whole = grade.score in (0, 100)
        return f"score {grade.score} is not a part of the whole" if whole else ""
    verdicts = [(f"case {one.case}", one.status) for one in grade.test_results]
    verdicts = verdicts or [("it", grade.verdict)]
    for what, verdict in verdicts:
        if verdict not in expected.permitted:
            return f"{what} is {verdict}"
    if not any(verdict in expected.required for _, verdict in verdicts):
        return f"no case is {expected.words}"
    return ""


@dataclass(frozen=True)
class Timing:
    """
    What the measured times say about the time limit.

    Args:
        limit_ms: CPU milliseconds that were allowed.
        slowest_accepted_ms: Of any case of any accepted submission; None without one.
        too_slow_ms: By submission that has to be too slow, its slowest case; those that were
            stopped count with the time at which they were.
        accepted_factor: How often the slowest accepted one fits into the limit.
        too_slow_factor: How often the limit fits into those that are too slow.
    """

    limit_ms: int
    slowest_accepted_ms: int | None
    too_slow_ms: Sequence[int]
    accepted_factor: float
    too_slow_factor: float

    @property
    def suggested_ms(self) -> int | None:
        """The least limit that leaves the accepted ones their margin, in steps of 100 ms."""
        if self.slowest_accepted_ms is None:
            return None
        return suggest_limit(self.slowest_accepted_ms, self.accepted_factor)

    @property
    def too_slow_margin(self) -> float | None:
        """How often the limit fits into the fastest that is too slow; the factor is the most."""
        if not self.too_slow_ms:
            return None
        return min(min(self.too_slow_ms) / self.limit_ms, self.too_slow_factor)

    def warnings(self) -> list[str]:
        """Say where the limit is too near to something."""
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
                f" {margin:.2f} x the time limit; {self.too_slow_factor:g} x would be safe"
            )
        return found


def suggest_limit(slowest_ms: int, factor: float) -> int:
    """Give the least multiple of 100 ms that is `factor` times the slowest case."""
    return max(math.ceil(round(slowest_ms * factor, 6) / _STEP_MS), 1) * _STEP_MS
