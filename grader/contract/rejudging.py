"""
Names the requests of a rejudging, which grade a submission again next to its first result.

Such a request has an id of its own, derived from that of the submission, and names its rejudging in
a header. Only both together make a rejudging: a worker stores its result, and sends no message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from grader.contract.messages import readable_request_id
from grader.contract.names import REJUDGING_HEADER

_LONGEST_ID = 128
_DIGEST = 16
#: Name of a rejudging; it is part of request ids, of a user id and of a file name.
REJUDGING_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")
_DERIVED = re.compile(rf".+\.rejudge\.({REJUDGING_NAME.pattern})")


def rejudged_id(request_id: str, name: str) -> str:
    """
    Derive the id of the request that grades a submission again.

    The same submission and name always give the same id, so that a message sent twice is graded
    once. An id that would be too long is cut and completed with a digest of the whole.
    """
    suffix = f".rejudge.{name}"
    if len(request_id) + len(suffix) <= _LONGEST_ID:
        return request_id + suffix
    digest = sha256(request_id.encode()).hexdigest()[:_DIGEST]
    kept = _LONGEST_ID - len(suffix) - len(digest) - 1
    return f"{request_id[:kept]}.{digest}{suffix}"


def is_rejudged_id(request_id: str) -> bool:
    """Whether an id is derived by `rejudged_id`."""
    return bool(_DERIVED.fullmatch(request_id))


def rejudging_user(name: str) -> str:
    """User id of the requests of a rejudging; the user's own lists do not show them."""
    return f"rejudge.{name}"


def rejudging_of(headers: Mapping[str, str], body: bytes) -> str:
    """Return the name of the rejudging that a message belongs to; empty for any other message."""
    name = headers.get(REJUDGING_HEADER, "")
    if not name:
        return ""  # nearly every message: its body need not be read
    found = _DERIVED.fullmatch(readable_request_id(body) or "")
    return name if found and found[1] == name else ""
