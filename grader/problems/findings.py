"""What was found wrong or strange while a problem was read, so that all is said at once."""

from __future__ import annotations

from dataclasses import dataclass, field

from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.text import printable_name


@dataclass(frozen=True)
class ProblemError:
    """Something because of which a problem cannot be graded."""

    code: ErrorCode
    text: str


@dataclass
class Findings:
    """
    Grows while a problem is read; each is one line, whatever the names of objects hold.

    Args:
        errors: Without these the problem could be graded.
        warnings: It can be graded, though perhaps not as its author meant.
    """

    errors: list[ProblemError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def error(self, text: str, code: ErrorCode = ErrorCode.PROBLEM_INVALID) -> None:
        """Note why the problem cannot be graded."""
        self.errors.append(ProblemError(code, printable_name(text)))

    def warn(self, text: str) -> None:
        """Note what its author should know."""
        self.warnings.append(printable_name(text))

    def raise_first(self) -> None:
        """Raise `RequestError` for the first error, if there is one."""
        if self.errors:
            first, more = self.errors[0], len(self.errors) - 1
            raise RequestError(first.code, first.text + (f" (and {more} more)" if more else ""))
