"""What the errors of builders have in common."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from gradectl.errors import GradectlError, UnreachableError
from gradectl.processes.output import tail

_KEPT_LINES = 200
#: Words of a builder that could not reach a registry.
_UNREACHABLE = (
    "connection refused",
    "connection reset",
    "use of closed network connection",
    "broken pipe",
    "unexpected eof",
    ": eof",
    "i/o timeout",
    "no such host",
    "server misbehaving",
    "tls handshake timeout",
    "network is unreachable",
    "pinging container registry",
    "failed to verify certificate",
    "x509:",
)


class Recorder:
    """Passes the lines of a builder on, and keeps the last ones for an error."""

    def __init__(self, heard: Callable[[str], None]) -> None:
        self._heard = heard
        self._lines: deque[str] = deque(maxlen=_KEPT_LINES)

    def __call__(self, line: str) -> None:
        """Take one line."""
        self._lines.append(line)
        self._heard(line)

    @property
    def text(self) -> str:
        """The last lines."""
        return "\n".join(self._lines)


def failure(what: str, output: str, where: str, next_step: str) -> GradectlError:
    """
    Make the error of a failed builder.

    Args:
        what: What failed.
        output: What the builder printed.
        where: The image or the registry.
        next_step: What to do; for an unreachable registry another one may fit better.
    """
    unreachable = any(word in output.lower() for word in _UNREACHABLE)
    kind = UnreachableError if unreachable else GradectlError
    return kind(f"{what}:\n{tail(output)}", where=where, next_step=next_step)
