"""Collects the errors and warnings of a problem package, so that all are reported at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.text import printable_name


@dataclass(frozen=True)
class PackageFault:
    """A reason why a problem cannot be graded."""

    code: ErrorCode
    text: str


@dataclass
class PackageReport:
    """
    Errors and warnings of a problem package; each is one line, whatever names of objects contain.

    Args:
        errors: Reasons why the problem cannot be graded.
        warnings: Settings that perhaps do not do what the author intended.
    """

    errors: list[PackageFault] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def error(self, text: str, code: ErrorCode = ErrorCode.PROBLEM_INVALID) -> None:
        """Add a reason why the problem cannot be graded."""
        self.errors.append(PackageFault(code, printable_name(text)))

    def warn(self, text: str) -> None:
        """Add a warning to the author."""
        self.warnings.append(printable_name(text))

    def raise_first(self) -> None:
        """Raise `RequestError` for the first error, if any."""
        if self.errors:
            first, more = self.errors[0], len(self.errors) - 1
            raise RequestError(first.code, first.text + (f" (and {more} more)" if more else ""))
