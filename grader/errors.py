"""Everything the worker raises on purpose.

::

    GraderError
    ├── RequestError            the request can never be done; says why, safe to show
    ├── ObjectNotFoundError     the store has no such object
    ├── ObjectTooLargeError     the object is larger than the caller allows
    ├── TemporaryError          worth another attempt
    │   └── SandboxError        the platform failed to run a program; nobody's fault but ours
    ├── ConnectionLostError     the broker is gone; what was in flight will be delivered again
    ├── StoppingError           the worker was told to stop while it waited
    ├── AccessError             the other side refused our name or password, or what we may do
    ├── TrustError              the other side's certificate is not trusted
    ├── SettingsError           the worker was started wrongly
    └── SelfTestError           the sandbox let an attack through; the worker must not subscribe
"""

from __future__ import annotations


class GraderError(Exception):
    """
    Base of the tree.

    Args:
        what: What is wrong, one sentence.
        where: The part or address concerned.
        next_step: What the reader can do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        """Keep the three parts apart so that a front end can lay them out."""
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """Give the parts on one line, for logs."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} ({self.next_step})" if self.next_step else head


class RequestError(GraderError):
    """
    The request can never be done, however often it is tried.

    Args:
        code: A stable word from `grader.contract.verdicts.ErrorCode`.
        what: What is wrong, safe to show to the person who submitted.
    """

    def __init__(self, code: str, what: str) -> None:
        """Keep the code for the result message and the dead-letter header."""
        super().__init__(what)
        self.code = code


class ObjectNotFoundError(GraderError):
    """The store has no object of this name."""


class ObjectTooLargeError(GraderError):
    """The object is larger than the caller allows."""


class TemporaryError(GraderError):
    """Something outside the request failed; another attempt may succeed."""

    exit_code = 75


class SandboxError(TemporaryError):
    """The sandbox itself failed; the program under test is not to blame."""


class ConnectionLostError(GraderError):
    """The connection to the broker is gone; unacknowledged messages will be delivered again."""

    exit_code = 69


class StoppingError(GraderError):
    """The worker was told to stop while it waited for something; nothing is lost."""

    exit_code = 0


class AccessError(GraderError):
    """The other side refused our user name or password, or what we may do."""

    exit_code = 77


class TrustError(GraderError):
    """The other side's certificate is not trusted, or belongs to another host."""

    exit_code = 78


class SettingsError(GraderError):
    """The worker was started with missing or invalid settings."""

    exit_code = 78


class SelfTestError(GraderError):
    """The sandbox did not hold one of its own attacks."""

    exit_code = 4
