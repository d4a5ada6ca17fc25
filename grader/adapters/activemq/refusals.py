"""Turns the messages of ERROR frames into errors with a next step."""

from __future__ import annotations

import re

from grader.errors import AccessError, ConnectionLostError, SelectorError

_FORBIDDEN = re.compile(r"User (?P<user>\S+) is not authorized to (?P<act>[a-z ]+): (?P<what>\S+)")
#: Operation in ActiveMQ's message -> attribute of an authorizationEntry.
_RIGHTS = {"read from": "read", "write to": "write"}
#: A commit only reports the rollback; another frame, just before or after, has the reason.
_UNEXPLAINED = "marked rollback only"
#: The message of a bad selector is only the selector; its stack trace names the problem.
_BAD_SELECTOR = "InvalidSelectorException"


def explains(words: str) -> bool:
    """Return whether a message has the reason, and not only the rollback."""
    return _UNEXPLAINED not in words


def reason(message: str, trace: str) -> str:
    """
    Return the reason of an ERROR frame, in one line.

    Args:
        message: Its header.
        trace: Its body, a stack trace.
    """
    words = " ".join((message or trace.partition("\n")[0]).split())
    is_selector = _BAD_SELECTOR in trace and _BAD_SELECTOR not in words
    return f"{_BAD_SELECTOR}: {words}" if is_selector else words


def refusal(words: str, where: str) -> AccessError | ConnectionLostError:
    """
    Create the error for a message.

    Args:
        words: Message of an ERROR frame, or the reason for the end of a connection.
        where: Address of the broker.
    """
    found = _FORBIDDEN.search(words)
    if found is None:
        kind = SelectorError if _BAD_SELECTOR in words else ConnectionLostError
        return kind(words, where=where)
    user, act, what = found["user"], found["act"], found["what"]
    right = _RIGHTS.get(act, "admin")
    return AccessError(
        f"user {user!r} may not {act} {what}",
        where=where,
        next_step=f"give a group of {user!r} the right {right!r} on it in the authorization map"
        " of the broker, or log in as another user; gradectl apply corrects groups of its users",
    )
