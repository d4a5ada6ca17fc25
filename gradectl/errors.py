"""Everything gradectl raises on purpose, and the exit codes that scripts rely on.

::

    EndingError                    where, what, next step
    ├── GradectlError          1   also an `Exception`
    │   ├── CheckFailedError       4   verify, smoke, doctor or validate found something
    │   ├── RefusedError           5   a safety gate said no
    │   ├── UsageError            64   the command line makes no sense
    │   ├── UnreachableError      69   a service does not answer
    │   ├── TryAgainError         75   lock held, throttled: the same command may work later
    │   ├── PermissionDeniedError 77   no credentials, or they do not allow it
    │   └── ConfigurationError    78   a file, setting or installed program is wrong
    ├── DeadlineError        124   --timeout is over
    └── StoppedError    130, 143   SIGINT or SIGTERM
"""

from __future__ import annotations

import signal
from enum import IntEnum


class ExitCode(IntEnum):
    """What the process ends with; a contract with scripts, held by a test."""

    OK = 0
    ERROR = 1
    CHANGES = 2  # only when asked for with --detailed-exitcode
    PARTLY_DONE = 3
    CHECK_FAILED = 4
    REFUSED = 5
    USAGE = 64
    UNREACHABLE = 69
    TRY_AGAIN = 75
    NO_PERMISSION = 77
    CONFIGURATION = 78
    TIMEOUT = 124
    INTERRUPTED = 130
    TERMINATED = 143


class EndingError(BaseException):
    """
    Base of the tree.

    It is no `Exception`: signal handlers raise the last two wherever the program happens to be, and
    a library there would take them for a failure of its own, hide them, and try again.

    Args:
        what: What is wrong, one sentence.
        where: The file, address or resource concerned.
        next_step: What the reader can do about it, a command where there is one.
    """

    exit_code = ExitCode.ERROR

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        """Keep the three parts apart so that the terminal can lay them out."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """Give the parts on one line, for logs."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} ({self.next_step})" if self.next_step else head


class GradectlError(EndingError, Exception):
    """Something is wrong."""


class CheckFailedError(GradectlError):
    """A check that was asked for found something wrong."""

    exit_code = ExitCode.CHECK_FAILED


class RefusedError(GradectlError):
    """A safety gate said no, and nothing was changed."""

    exit_code = ExitCode.REFUSED


class UsageError(GradectlError):
    """The command line makes no sense."""

    exit_code = ExitCode.USAGE


class UnreachableError(GradectlError):
    """A service does not answer."""

    exit_code = ExitCode.UNREACHABLE


class TryAgainError(GradectlError):
    """Something is busy or throttled; the same command may work in a moment."""

    exit_code = ExitCode.TRY_AGAIN


class PermissionDeniedError(GradectlError):
    """There are no credentials, or these do not allow what was asked."""

    exit_code = ExitCode.NO_PERMISSION


class ConfigurationError(GradectlError):
    """A file, a setting or an installed program is not as it must be."""

    exit_code = ExitCode.CONFIGURATION


class DeadlineError(EndingError):
    """The time given with --timeout is over."""

    exit_code = ExitCode.TIMEOUT


class StoppedError(EndingError):
    """
    The user or the system asked the command to stop.

    Args:
        number: The signal that asked.
        what: What was going on, and in which state it was left.
        next_step: What to do about that state, when anything.
    """

    def __init__(self, number: int, what: str = "", *, next_step: str = "") -> None:
        """Take the exit code from the signal, as a shell does; SIGHUP ends us like SIGTERM."""
        name = signal.Signals(number).name
        super().__init__(what or f"stopped by {name}", next_step=next_step)
        interrupted = number == signal.SIGINT
        self.exit_code = ExitCode.INTERRUPTED if interrupted else ExitCode.TERMINATED
