"""The results of the checks, and how they are shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """The outcome of one check; the words are part of the JSON output."""

    OK = "ok"
    FAILED = "failed"
    WARNING = "warning"
    NOT_APPLICABLE = "not applicable"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True)
class CheckResult:
    """
    The result of one check.

    Attributes:
        check: Its name.
        state: The outcome.
        found: The facts, or the reason why it was not checked.
        next_step: The command or change that helps; "" when nothing has to be done.
    """

    check: str
    state: State
    found: str
    next_step: str = ""


@dataclass(frozen=True)
class VerifyReport:
    """The results of all checks, in their order."""

    results: tuple[CheckResult, ...]
    applied: bool

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """The results that stop a deployment."""
        return tuple(one for one in self.results if one.state is State.FAILED)

    def counts(self) -> dict[str, int]:
        """Number of results by state."""
        return {
            state.value: sum(one.state is state for one in self.results)
            for state in State
            if any(one.state is state for one in self.results)
        }

    @property
    def headline(self) -> str:
        """The counts in words."""
        return ", ".join(f"{count} {state}" for state, count in self.counts().items())


COLUMNS = ("check", "state", "found", "next")


def rows(results: Iterable[CheckResult]) -> list[list[str]]:
    """One row for each result."""
    return [[one.check, one.state.value, one.found, one.next_step] for one in results]


def document(report: VerifyReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "passed": not report.failed,
        "applied": report.applied,
        "counts": report.counts(),
        "checks": [asdict(one) for one in report.results],
    }


def ok(check: str, found: str) -> CheckResult:
    """A check that found nothing wrong."""
    return CheckResult(check, State.OK, found)


def failed(check: str, found: str, next_step: str) -> CheckResult:
    """A check that found an error."""
    return CheckResult(check, State.FAILED, found, next_step)


def warning(check: str, found: str, next_step: str) -> CheckResult:
    """A check that found something that does not stop a deployment."""
    return CheckResult(check, State.WARNING, found, next_step)


def not_applicable(check: str, reason: str) -> CheckResult:
    """A check of something that this environment does not use."""
    return CheckResult(check, State.NOT_APPLICABLE, reason)


def not_checked(check: str, reason: str, next_step: str = "") -> CheckResult:
    """A check that could not observe its facts."""
    return CheckResult(check, State.NOT_CHECKED, reason, next_step)


def listed(items: Sequence[str], limit: int = 6) -> str:
    """Join some items, and count the rest."""
    more = f" and {len(items) - limit} more" if len(items) > limit else ""
    return ", ".join(items[:limit]) + more


def in_one_line(text: str, limit: int = 200) -> str:
    """Shorten a message of another program for a cell of a table."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[:limit]}..."
