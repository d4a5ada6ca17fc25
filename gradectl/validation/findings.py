"""What `gradectl validate` finds, and what became of each check; pure data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
Status = Literal["passed", "failed", "skipped", "not applicable", "would run"]
#: So many subjects are named in the table.
_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """
    One thing that a check found.

    Attributes:
        path: The file, as seen from where the command runs.
        line: Its line, from 1.
        message: What is wrong, and what would be right.
        rule: Name of the rule within the check, where it has several.
        severity: Only an error fails the check.
        help_url: Where the rule is explained.
    """

    path: str
    line: int
    message: str
    rule: str = ""
    severity: Severity = "error"
    help_url: str = ""

    @property
    def place(self) -> str:
        """File and line, as editors and terminals take them."""
        return f"{self.path}:{self.line}"

    def __str__(self) -> str:
        """Place, rule and message on one line."""
        rule = f"{self.rule}: " if self.rule else ""
        return f"{self.place}: {rule}{' '.join(self.message.split())}"


@dataclass(frozen=True)
class CaseOutcome:
    """What a check found in one subject, such as one module, and how long it looked."""

    subject: str
    seconds: float
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """Those that fail the check."""
        return tuple(finding for finding in self.findings if finding.severity == "error")


@dataclass(frozen=True)
class CheckOutcome:
    """What became of one check; `reason` says why it did not run."""

    name: str
    purpose: str
    status: Status
    cases: tuple[CaseOutcome, ...] = ()
    reason: str = ""

    @property
    def seconds(self) -> float:
        """How long its subjects took together; they may have run side by side."""
        return sum(case.seconds for case in self.cases)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """All that it found."""
        return tuple(finding for case in self.cases for finding in case.findings)


@dataclass(frozen=True)
class Validation:
    """One run of all checks."""

    path: str
    seconds: float
    checks: tuple[CheckOutcome, ...]

    @property
    def failed(self) -> tuple[CheckOutcome, ...]:
        """Those that found errors."""
        return tuple(check for check in self.checks if check.status == "failed")


def outcome(name: str, purpose: str, cases: Sequence[CaseOutcome]) -> CheckOutcome:
    """Put together what one check found."""
    ordered = tuple(sorted(cases, key=lambda case: case.subject))
    failed = any(case.errors for case in ordered)
    return CheckOutcome(name, purpose, "failed" if failed else "passed", ordered)


def grouped(checks: Iterable[CheckOutcome]) -> dict[Finding, list[str]]:
    """
    List each finding once, with the names of all checks that have it, in the order of the files.

    A file that cannot be read fails several checks with the same words.
    """
    found: dict[Finding, list[str]] = {}
    for check in checks:
        for finding in check.findings:
            names = found.setdefault(finding, [])
            if check.name not in names:
                names.append(check.name)
    order = {"error": 0, "warning": 1, "note": 2}
    return dict(sorted(found.items(), key=lambda item: _key(item[0], order)))


def _key(finding: Finding, order: dict[str, int]) -> tuple[int, str, int, str]:
    """Sort errors first, then by place."""
    return order[finding.severity], finding.path, finding.line, finding.message


def document(validation: Validation) -> dict[str, Any]:
    """Lay a run out for programs; times in seconds."""
    return {
        "path": validation.path,
        "ok": not validation.failed,
        "seconds": round(validation.seconds, 3),
        "checks": [
            {
                "name": check.name,
                "purpose": check.purpose,
                "status": check.status,
                "reason": check.reason,
                "seconds": round(check.seconds, 3),
                "subjects": [
                    {
                        "name": case.subject,
                        "seconds": round(case.seconds, 3),
                        "findings": [_fields(finding) for finding in case.findings],
                    }
                    for case in check.cases
                ],
            }
            for check in validation.checks
        ],
    }


def _fields(finding: Finding) -> dict[str, Any]:
    """Lay one finding out for programs."""
    return {
        "path": finding.path,
        "line": finding.line,
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "help_url": finding.help_url,
    }


def rows(checks: Iterable[CheckOutcome]) -> list[tuple[str, str, str, str]]:
    """Lay the checks out for people: name, result, time, and what it ran over or why it did not."""
    return [
        (
            check.name,
            check.status,
            f"{check.seconds:.1f} s" if check.cases else "",
            check.reason or _over(check),
        )
        for check in checks
    ]


def _over(check: CheckOutcome) -> str:
    """Say how much was looked at and found."""
    names = [case.subject for case in check.cases]
    subjects = f"{names[0]} and {len(names) - 1} more" if len(names) > _NAMED else ", ".join(names)
    errors = sum(len(case.errors) for case in check.cases)
    others = len(check.findings) - errors
    parts = [subjects]
    if errors:
        parts.append(f"{errors} {'errors' if errors > 1 else 'error'}")
    if others:
        parts.append(f"{others} {'remarks' if others > 1 else 'remark'}")
    return "; ".join(parts)
