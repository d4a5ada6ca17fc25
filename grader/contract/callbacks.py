"""The webhook of a request, also of one that is otherwise invalid; pure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256

from pydantic import ValidationError

from grader.contract.messages import BatchId, BatchSize, JobResult, Message, WebhookUrl

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
        processed again has another result. A batch has one webhook, and is one of its URL: two
        programs may use the same batch id.
        """
        if self.batch_id is not None:
            text = f"batch\n{self.batch_id}\n{self.url}"
        else:
            text = f"request\n{result.request_id}\n{result.timestamp.isoformat()}"
        return f"msg_{sha256(text.encode()).hexdigest()[:_ID_LENGTH]}"


def readable_callback(body: bytes) -> Callback | None:
    """Extract the webhook of a message that may otherwise be invalid; None without one."""
    if b"webhookUrl" not in body and rb"\u" not in body:  # most messages: not worth parsing
        return None
    try:
        found = _Fields.model_validate_json(body, by_alias=True, by_name=False)
    except ValidationError:  # not a JSON object
        return None
    if found.webhook_url is None:
        return None
    if found.batch_id is None or found.batch_size is None:
        return Callback(found.webhook_url)
    return Callback(found.webhook_url, found.batch_id, found.batch_size)


class _Fields(Message):
    """What every model of a request says about webhook and batch."""

    webhook_url: WebhookUrl = None
    batch_id: BatchId = None
    batch_size: BatchSize = None
