"""What the broker's words in an ERROR frame mean, and what to do about it."""

from __future__ import annotations

import re

from grader.errors import AccessError, ConnectionLostError

_FORBIDDEN = re.compile(r"User (?P<user>\S+) is not authorized to (?P<act>[a-z ]+): (?P<what>\S+)")
#: ActiveMQ's word for what was tried -> what the attribute of an authorizationEntry is called.
_RIGHTS = {"read from": "read", "write to": "write"}
#: A commit says that nothing was done; why is told by another frame, just before or just after.
_UNEXPLAINED = "marked rollback only"


def explains(words: str) -> bool:
    """Tell whether these words say what is wrong, and not only that something is."""
    return _UNEXPLAINED not in words


def refusal(words: str, where: str) -> AccessError | ConnectionLostError:
    """
    Make the error for the broker's last words.

    Args:
        words: Of an ERROR frame, or ours for the end of a connection.
        where: Address of the broker.
    """
    found = _FORBIDDEN.search(words)
    if found is None:
        return ConnectionLostError(words, where=where)
    user, act, what = found["user"], found["act"], found["what"]
    right = _RIGHTS.get(act, "admin")
    return AccessError(
        f"user {user!r} may not {act} {what}",
        where=where,
        next_step=f"give a group of {user!r} the right {right!r} on it in the authorization map of"
        " the broker, or log in as another user; gradectl apply puts groups of its users right",
    )
