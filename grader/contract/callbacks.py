"""The webhook of a request, also of one that is otherwise invalid; pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from hashlib import sha256

from grader.contract.messages import JobResult

_LONGEST_URL = 2048
_MOST_IN_BATCH = 1000
_IDENTIFIER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_ID_LENGTH = 32


@dataclass(frozen=True)
class Callback:
    """
    Where the result of a request goes.

    Args:
        url: The `webhookUrl`.
        batch_id: Its batch, if the webhook is called once for all of it; None otherwise.
        batch_size: Number of requests in the batch.
        host: Host of the URL; empty if it is not valid.
        refusal: Why the webhook is not sent; empty if it is.
    """

    url: str
    batch_id: str | None = None
    batch_size: int = 0
    host: str = ""
    refusal: str = ""

    def subject(self, result: JobResult) -> str:
        """Return the id of what the webhook is about: the batch, or the request."""
        return result.request_id if self.batch_id is None else self.batch_id

    def delivery_id(self, result: JobResult) -> str:
        """
        Return the id of the webhook, by which receivers recognize what they have got already.

        The same result has the same id however often it is stored. A request that failed and was
        processed again has another result. A batch has one webhook.
        """
        moment = "" if self.batch_id is not None else result.timestamp.isoformat()
        kind = "batch" if self.batch_id is not None else "request"
        text = f"{kind}\n{self.subject(result)}\n{moment}"
        return f"msg_{sha256(text.encode()).hexdigest()[:_ID_LENGTH]}"


def readable_callback(body: bytes) -> Callback | None:
    """Extract the webhook of a message that may otherwise be invalid; None without one."""
    if b"webhookUrl" not in body and rb"\u" not in body:  # most messages: not worth parsing
        return None
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # bad UTF-8 or JSON, or nothing but brackets
        return None
    url = document.get("webhookUrl") if isinstance(document, dict) else None
    if not isinstance(url, str) or not 0 < len(url) <= _LONGEST_URL:
        return None
    if not url.isprintable():
        return None
    return _callback(url, document.get("batchId"), document.get("batchSize"))


def _callback(url: str, batch_id: object, size: object) -> Callback:
    batch_id = str(batch_id) if isinstance(batch_id, int) else batch_id
    if not isinstance(batch_id, str) or not _IDENTIFIER.fullmatch(batch_id):
        return Callback(url)
    if isinstance(size, bool) or not isinstance(size, int) or not 0 < size <= _MOST_IN_BATCH:
        return Callback(url)
    return Callback(url, batch_id, size)
