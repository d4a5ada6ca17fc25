"""Compares old and new results of a rejudging; pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from grader.contract.messages import GradingResult, JobResult
from grader.contract.verdicts import Fault, Verdict
from grader.ports.finished import FinishedJob

#: What stands in the table for a submission that has no new result.
WAITING, HELD_BACK = "waiting", "held back"
_ORDER = (*(each.value for each in Verdict), "failed", WAITING, HELD_BACK)


@dataclass(frozen=True)
class Outcome:
    """A verdict or the code of a failure, and the score."""

    name: str
    score: int | None = None

    def __str__(self) -> str:
        """Return both, such as `WA 40`."""
        return self.name if self.score is None else f"{self.name} {self.score}"


@dataclass(frozen=True)
class Change:
    """A submission whose outcome would change."""

    job: FinishedJob
    old: Outcome
    new: Outcome


@dataclass
class Comparison:
    """
    The table of a rejudging.

    Attributes:
        counts: Number of submissions by old and new column.
        changes: The submissions with another verdict or score.
        held_back: Request ids with the reason why they were not graded again.
        failures: Request ids with the reason why the second grading failed.
    """

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    changes: list[Change] = field(default_factory=list)
    held_back: dict[str, str] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def add(self, job: FinishedJob, new: JobResult | None, held_back: str = "") -> None:
        """Add a submission with its new result, or with the reason why it has none."""
        if new is None:
            self._count(job, HELD_BACK if held_back else WAITING)
            if held_back:
                self.held_back[job.request_id] = held_back
            return
        if new.error is not None:
            # never accepted, so it changes nothing
            self.failures[job.request_id] = f"{new.error.code}: {new.error.message}"
            self._count(job, new.error.code.value)
            return
        self.add_outcome(job, outcome_of(new))

    def add_outcome(self, job: FinishedJob, new: Outcome) -> None:
        """Add a submission with its new outcome."""
        self._count(job, new.name)
        old = Outcome(job.outcome, job.score)
        if new != old:
            self.changes.append(Change(job, old, new))

    def count(self, column: str) -> int:
        """Number of submissions in a column of the table."""
        return sum(number for (_, new), number in self.counts.items() if new == column)

    @property
    def total(self) -> int:
        """Number of all submissions."""
        return self.counts.total()

    @property
    def graded(self) -> int:
        """Number of submissions with a new result that can be accepted."""
        without = self.count(WAITING) + self.count(HELD_BACK) + len(self.failures)
        return self.total - without

    def matrix(self) -> tuple[Sequence[str], list[list[object]]]:
        """Return the header and the rows: old outcomes down, new ones across."""
        columns = [each for each in _ORDER if self.count(each)]
        olds = [each for each in _ORDER if any(old == each for old, _ in self.counts)]
        rows: list[list[object]] = [
            [old, *(self.counts[old, new] or "-" for new in columns)] for old in olds
        ]
        return ["old \\ new", *columns], rows

    def _count(self, job: FinishedJob, new: str) -> None:
        self.counts[_column(job.outcome), _column(new)] += 1


def outcome_of(result: JobResult) -> Outcome:
    """Return the outcome of a result; of another handler than grading it has no name."""
    if result.error is not None:
        return Outcome(result.error.code.value)
    grade = as_grading_result(result)
    if grade is None or grade.result is None:
        return Outcome("")
    return Outcome(grade.result.verdict.value, grade.result.score)


def as_grading_result(result: JobResult) -> GradingResult | None:
    """Read a stored result as one of grading; None if it is not."""
    try:
        return GradingResult.from_json(result.to_json())
    except ValueError:
        return None


def is_worth_repeating(result: JobResult) -> bool:
    """Whether a failure is that of the problem or the platform, so that it may be fixed now."""
    return result.error is not None and result.error.code.fault is not Fault.SUBMISSION


def _column(name: str) -> str:
    """Failures have one column; their codes are in the list of changes."""
    return name if name in _ORDER else "failed"
