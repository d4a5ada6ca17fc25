"""The errors of gradectl and their exit codes, which scripts rely on.

::

    EndingError                    where, what, next step
    ├── GradectlError          1   also an `Exception`
    │   ├── CheckFailedError       4   verify, smoke, doctor or validate found something
    │   ├── RefusedError           5   a safety check refused the operation
    │   ├── UsageError            64   the command line is invalid
    │   ├── UnreachableError      69   a service does not answer
    │   ├── TryAgainError         75   lock held, throttled: the same command may work later
    │   ├── PermissionDeniedError 77   no credentials, or missing permissions
    │   └── ConfigurationError    78   a file, setting or installed program is invalid
    ├── OutputError      74, 141   stdout or a file cannot be written, or its reader has gone
    ├── DeadlineError        124   the --timeout expired
    └── StoppedError    130, 143   SIGINT or SIGTERM
"""

from __future__ import annotations

import signal
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of gradectl; they never change, and a test checks that."""

    OK = 0
    ERROR = 1
    CHANGES = 2  # only with --detailed-exitcode, or from `drift`
    PARTLY_DONE = 3
    CHECK_FAILED = 4
    REFUSED = 5
    USAGE = 64
    UNREACHABLE = 69
    OUTPUT = 74
    TRY_AGAIN = 75
    NO_PERMISSION = 77
    CONFIGURATION = 78
    TIMEOUT = 124
    INTERRUPTED = 130
    OUTPUT_CLOSED = 141  # as a shell reports SIGPIPE
    TERMINATED = 143


class EndingError(BaseException):
    """
    Base of all errors.

    It does not derive from `Exception`: signal handlers raise the last two anywhere in the program,
    where a library could otherwise catch them as its own failure and retry.

    Args:
        what: The problem, in one sentence.
        where: The file, address or resource.
        next_step: What the user can do about it, as a command where possible.
    """

    exit_code = ExitCode.ERROR

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """Format the parts on one line, for logs."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} ({self.next_step})" if self.next_step else head


class GradectlError(EndingError, Exception):
    """Base of the errors that are not caused by a signal."""


class CheckFailedError(GradectlError):
    """A check found an error."""

    exit_code = ExitCode.CHECK_FAILED


class RefusedError(GradectlError):
    """A safety check refused the operation; nothing was changed."""

    exit_code = ExitCode.REFUSED


class UsageError(GradectlError):
    """The command line is invalid."""

    exit_code = ExitCode.USAGE


class UnreachableError(GradectlError):
    """A service does not answer."""

    exit_code = ExitCode.UNREACHABLE


class TryAgainError(GradectlError):
    """A resource is busy or a call was throttled; the command can be repeated."""

    exit_code = ExitCode.TRY_AGAIN


class PermissionDeniedError(GradectlError):
    """Credentials or permissions are missing."""

    exit_code = ExitCode.NO_PERMISSION


class ConfigurationError(GradectlError):
    """A file, a setting or an installed program is invalid or missing."""

    exit_code = ExitCode.CONFIGURATION


class OutputError(EndingError):
    """
    Data cannot be written to stdout.

    Args:
        error: The error of the write. A reader of a pipe that has gone, such as `head`, has all
            that it wants, so there is nothing to report.
    """

    def __init__(self, error: OSError) -> None:
        """Derive text and exit code from the error."""
        reason = error.strerror or str(error)
        super().__init__(
            f"the output cannot be written: {reason}",
            where="standard output",
            next_step="free space there, or write elsewhere",
        )
        self.is_silent = isinstance(error, BrokenPipeError)
        self.exit_code = ExitCode.OUTPUT_CLOSED if self.is_silent else ExitCode.OUTPUT


class DeadlineError(EndingError):
    """The --timeout expired."""

    exit_code = ExitCode.TIMEOUT


class StoppedError(EndingError):
    """
    A signal stopped the command.

    Args:
        number: The signal.
        what: What was stopped, and the state that it left behind.
        next_step: What to do about that state.
    """

    def __init__(self, number: int, what: str = "", *, next_step: str = "") -> None:
        """Derive the exit code from the signal, as a shell does; SIGHUP counts as SIGTERM."""
        name = signal.Signals(number).name
        super().__init__(what or f"stopped by {name}", next_step=next_step)
        interrupted = number == signal.SIGINT
        self.exit_code = ExitCode.INTERRUPTED if interrupted else ExitCode.TERMINATED
