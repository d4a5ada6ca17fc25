"""The errors of the worker.

::

    GraderError
    ├── RequestError            the request can never succeed; the reason may be shown to the user
    ├── ObjectNotFoundError     the store has no such object
    ├── ObjectTooLargeError     the object is larger than the caller allows
    ├── TemporaryError          worth another attempt
    │   └── SandboxError        the sandbox failed; not the fault of the program
    ├── ConnectionLostError     the broker is unreachable; unacknowledged messages are redelivered
    │   └── SelectorError       the broker refused a selector, and ended the connection
    ├── NoResultError           there is no result yet
    ├── StoppingError           the worker shut down while it waited
    ├── AccessError             a service refused the credentials, or they lack a right
    │   └── HiddenObjectError   the object may not be read, or does not exist
    ├── TrustError              the certificate of a server is not trusted
    ├── SettingsError           settings are missing or invalid
    └── SelfTestError           an attack on the sandbox succeeded; the worker must not start
"""

from __future__ import annotations


class GraderError(Exception):
    """
    Base of all errors.

    Args:
        what: The problem, in one sentence.
        where: Component or address.
        next_step: What to do about it.
    """

    exit_code = 1

    def __init__(self, what: str, *, where: str = "", next_step: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.next_step = next_step

    def __str__(self) -> str:
        """Join the parts on one line, for logs."""
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head} ({self.next_step})" if self.next_step else head


class RequestError(GraderError):
    """
    The request can never succeed, however often it is retried.

    Args:
        code: An `ErrorCode` of `grader.contract.verdicts`.
        what: The problem; must be safe to show to the user who submitted.
    """

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code


class ObjectNotFoundError(GraderError):
    """The store has no object with this key."""


class ObjectTooLargeError(GraderError):
    """The object is larger than the caller allows."""


class TemporaryError(GraderError):
    """Something other than the request failed; another attempt may succeed."""

    exit_code = 75


class SandboxError(TemporaryError):
    """The sandbox itself failed; the program under test is not to blame."""


class ConnectionLostError(GraderError):
    """The connection to the broker is lost; unacknowledged messages are redelivered."""

    exit_code = 69


class SelectorError(ConnectionLostError):
    """The broker refused a selector, and ended the connection."""


class NoResultError(GraderError):
    """There is no result yet; the request stays queued."""

    exit_code = 124


class StoppingError(GraderError):
    """The worker shut down while it waited; no message is lost."""

    exit_code = 0


class AccessError(GraderError):
    """A service refused the user name or password, or the user lacks a right."""

    exit_code = 77


class HiddenObjectError(AccessError):
    """The object may not be read; or it does not exist, and the bucket may not be listed."""


class TrustError(GraderError):
    """The certificate of a server is not trusted, or is for another host."""

    exit_code = 78


class SettingsError(GraderError):
    """Settings are missing or invalid."""

    exit_code = 78


class SelfTestError(GraderError):
    """An attack of the self-test on the sandbox succeeded."""

    exit_code = 4
