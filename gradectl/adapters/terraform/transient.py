"""Recognises errors of Terraform that disappear by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gradectl.adapters.terraform.events import Diagnostic

#: Commands that change nothing but the lock, so that repeating them is safe.
REPEATABLE = frozenset({"init", "plan"})
#: Pauses before the second and the third attempt.
PAUSES = (2.0, 8.0)
_TRANSIENT = re.compile(
    r"Throttling|RequestLimitExceeded|TooManyRequestsException|SlowDown|ServiceUnavailable"
    r"|503 Service Unavailable|502 Bad Gateway|RequestError: send request failed"
    r"|connection reset by peer|TLS handshake timeout|i/o timeout|unexpected EOF",
)
#: A service that is not there will not be there in ten seconds.
_LASTING = re.compile(r"connection refused|no such host|x509:|AccessDenied|ExpiredToken")


def is_transient(diagnostics: Sequence[Diagnostic]) -> bool:
    """
    Whether all errors of a command are of a kind that a repetition cures.

    Args:
        diagnostics: The errors; none is not transient, because the cause is unknown.
    """
    texts = [f"{item.summary} {item.detail}" for item in diagnostics]
    return bool(texts) and all(
        _TRANSIENT.search(text) and not _LASTING.search(text) for text in texts
    )
