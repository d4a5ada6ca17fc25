"""Findings of `gradectl validate` and the outcome of each check; pure data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["error", "warning", "note"]
FixState = Literal["fixed", "would fix", "outside"]
Status = Literal["passed", "failed", "skipped", "not applicable", "would run"]
#: Number of subjects that the table names.
_NAMED = 3


@dataclass(frozen=True)
class Finding:
    """
    One problem that a check found.

    Attributes:
        path: The file, relative to the working directory.
        line: Line number, from 1.
        message: The problem, and its correction where it is known.
        rule: Name of the rule, in checks that have several.
        severity: Only errors fail the check.
        help_url: Page that explains the rule.
        title: Text of the rule, where it has one of its own; default: the purpose of the check.
        known: Whether the baseline lists it, so that it does not fail the check.
        blocks: Whether the check could not look at everything because of it; never `known`.
        fingerprint: Identifies it in later runs, also when lines move.
    """

    path: str
    line: int
    message: str
    rule: str = ""
    severity: Severity = "error"
    help_url: str = ""
    title: str = field(default="", compare=False)
    known: bool = False
    blocks: bool = field(default=False, compare=False)
    fingerprint: str = field(default="", compare=False)

    @property
    def fails(self) -> bool:
        """Whether it fails the check."""
        return self.severity == "error" and not self.known

    @property
    def location(self) -> str:
        """`file:line`, as editors and terminals understand it."""
        return f"{self.path}:{self.line}"

    def __str__(self) -> str:
        """Location, rule and message on one line."""
        rule = f"{self.rule}: " if self.rule else ""
        return f"{self.location}: {rule}{' '.join(self.message.split())}"


@dataclass(frozen=True)
class CaseOutcome:
    """Findings of a check in one subject, such as one module, and the time it took."""

    subject: str
    seconds: float
    findings: tuple[Finding, ...] = ()

    @property
    def errors(self) -> tuple[Finding, ...]:
        """The findings that fail the check."""
        return tuple(finding for finding in self.findings if finding.fails)


@dataclass(frozen=True)
class CheckOutcome:
    """Outcome of one check; `reason` explains why it did not run."""

    name: str
    purpose: str
    status: Status
    cases: tuple[CaseOutcome, ...] = ()
    reason: str = ""

    @property
    def seconds(self) -> float:
        """Sum of the times of its subjects, which may have run in parallel."""
        return sum(case.seconds for case in self.cases)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all subjects."""
        return tuple(finding for case in self.cases for finding in case.findings)


@dataclass(frozen=True)
class Fix:
    """A file that `--fix` corrected, would correct, or left alone outside of the folder."""

    check: str
    path: str
    state: FixState


@dataclass(frozen=True)
class Validation:
    """
    One run of all checks.

    Attributes:
        path: The checked folder.
        seconds: Wall time.
        checks: Outcomes of all checks, also of those that did not run.
        started: Time of the start in UTC, as ISO 8601 without a time zone.
        providers_seconds: Time to install and start the providers, once for all checks.
        baseline: File of the findings that do not fail; empty without one.
        fixes: What `--fix` did before the checks ran.
    """

    path: str
    seconds: float
    checks: tuple[CheckOutcome, ...]
    started: str = "1970-01-01T00:00:00"
    providers_seconds: float = 0.0
    baseline: str = ""
    fixes: tuple[Fix, ...] = ()

    @property
    def failed(self) -> tuple[CheckOutcome, ...]:
        """The checks that found errors."""
        return tuple(check for check in self.checks if check.status == "failed")

    @property
    def known(self) -> int:
        """Number of findings that the baseline lists."""
        return sum(finding.known for finding in grouped(self.checks))


def outcome(name: str, purpose: str, cases: Sequence[CaseOutcome]) -> CheckOutcome:
    """Combine the subjects of one check into its outcome."""
    ordered = tuple(sorted(cases, key=lambda case: case.subject))
    failed = any(case.errors for case in ordered)
    return CheckOutcome(name, purpose, "failed" if failed else "passed", ordered)


def grouped(checks: Iterable[CheckOutcome]) -> dict[Finding, list[str]]:
    """
    List each finding once, with the names of all checks that reported it, sorted by file.

    A file with a syntax error fails several checks with the same message.
    """
    found: dict[Finding, list[str]] = {}
    for check in checks:
        for finding in check.findings:
            names = found.setdefault(finding, [])
            if check.name not in names:
                names.append(check.name)
    order = {"error": 0, "warning": 1, "note": 2}
    return dict(sorted(found.items(), key=lambda item: _key(item[0], order)))


def listed(checks: Iterable[CheckOutcome]) -> dict[Finding, list[str]]:
    """List each finding once, as `grouped` does, without those that the baseline lists."""
    return {finding: names for finding, names in grouped(checks).items() if not finding.known}


def _key(finding: Finding, order: dict[str, int]) -> tuple[int, str, int, str]:
    """Sort errors first, then by location."""
    return order[finding.severity], finding.path, finding.line, finding.message


def document(validation: Validation) -> dict[str, Any]:
    """Convert a run to the document for programs; times in seconds."""
    return {
        "path": validation.path,
        "ok": not validation.failed,
        "seconds": round(validation.seconds, 3),
        "providers_seconds": round(validation.providers_seconds, 3),
        "baseline": validation.baseline,
        "fixes": [asdict(fix) for fix in validation.fixes],
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
    """Convert one finding to the document for programs."""
    return {
        "path": finding.path,
        "line": finding.line,
        "rule": finding.rule,
        "severity": finding.severity,
        "message": finding.message,
        "title": finding.title,
        "help_url": finding.help_url,
        "known": finding.known,
        "fingerprint": finding.fingerprint,
    }


def rows(validation: Validation) -> list[tuple[str, str, str, str]]:
    """Rows of the table: name, result, time, and the subjects or why the check did not run."""
    found: list[tuple[str, str, str, str]] = [
        (
            check.name,
            check.status,
            f"{check.seconds:.1f} s" if check.cases else "",
            check.reason or _over(check),
        )
        for check in validation.checks
    ]
    if validation.providers_seconds:
        seconds = f"{validation.providers_seconds:.1f} s"
        found.append(("providers", "", seconds, "installed and started once, for all checks"))
    found.append(("total", "", f"{validation.seconds:.1f} s", "wall time"))
    return found


def _over(check: CheckOutcome) -> str:
    """Summarise the subjects and the number of findings."""
    names = [case.subject for case in check.cases]
    subjects = f"{names[0]} and {len(names) - 1} more" if len(names) > _NAMED else ", ".join(names)
    errors = sum(len(case.errors) for case in check.cases)
    known = sum(finding.known for finding in check.findings)
    others = len(check.findings) - errors - known
    parts = [subjects]
    if errors:
        parts.append(f"{errors} {'errors' if errors > 1 else 'error'}")
    if others:
        parts.append(f"{others} {'remarks' if others > 1 else 'remark'}")
    if known:
        parts.append(f"{known} known")
    return "; ".join(parts)
