"""Verdicts, statuses and error codes of results, and the party at fault."""

from __future__ import annotations

from enum import StrEnum


class Fault(StrEnum):
    """Party that has to fix something."""

    SUBMISSION = "submission"
    PROBLEM = "problem"  # its test cases, its checker, its settings; or the code of a function
    PLATFORM = "platform"


class Verdict(StrEnum):
    """Verdict on a test case or a submission."""

    ACCEPTED = "AC"
    WRONG_ANSWER = "WA"  # submission
    TIME_LIMIT_EXCEEDED = "TLE"  # submission
    MEMORY_LIMIT_EXCEEDED = "MLE"  # submission
    OUTPUT_LIMIT_EXCEEDED = "OLE"  # submission
    RUNTIME_ERROR = "RE"  # submission
    COMPILE_ERROR = "CE"  # submission
    INTERNAL_ERROR = "IE"  # platform: retried, never counted against the submission


class Status(StrEnum):
    """Whether there is a verdict."""

    COMPLETED = "completed"
    FAILED = "failed"


class ErrorCode(StrEnum):
    """Reason why a request failed without a verdict."""

    INVALID_REQUEST = "INVALID_REQUEST"
    UNKNOWN_LANGUAGE = "UNKNOWN_LANGUAGE"
    LIMIT_TOO_HIGH = "LIMIT_TOO_HIGH"
    FOREIGN_OBJECT = "FOREIGN_OBJECT"
    SOURCE_NOT_FOUND = "SOURCE_NOT_FOUND"
    SOURCE_TOO_LARGE = "SOURCE_TOO_LARGE"
    TEST_CASES_NOT_FOUND = "TEST_CASES_NOT_FOUND"
    PROBLEM_INVALID = "PROBLEM_INVALID"
    CHECKER_FAILED = "CHECKER_FAILED"
    FUNCTION_INVALID = "FUNCTION_INVALID"
    EXPIRED = "EXPIRED"
    INTERNAL_ERROR = "INTERNAL_ERROR"

    @property
    def fault(self) -> Fault:
        """Party at fault; an invalid request counts as the submission."""
        return _FAULTS.get(self, Fault.SUBMISSION)


_FAULTS = {
    ErrorCode.TEST_CASES_NOT_FOUND: Fault.PROBLEM,
    ErrorCode.PROBLEM_INVALID: Fault.PROBLEM,
    ErrorCode.CHECKER_FAILED: Fault.PROBLEM,
    ErrorCode.FUNCTION_INVALID: Fault.PROBLEM,
    ErrorCode.EXPIRED: Fault.PLATFORM,
    ErrorCode.INTERNAL_ERROR: Fault.PLATFORM,
}
