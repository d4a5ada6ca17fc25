"""Separates the headers of a message's producer from those that a broker adds."""

from __future__ import annotations

from collections.abc import Mapping

from grader.contract.names import EXPIRES_HEADER

#: Set by the broker for each delivery, or by a client for each copy.
_NOT_COPIED = frozenset(
    {
        "ack",
        "amq-msg-type",
        "content-length",
        "destination",
        "expires",  # else a copy would vanish before a worker or an operator sees it
        EXPIRES_HEADER,
        "message-id",
        "original-destination",
        "originalExpiration",
        "persistent",
        "receipt",
        "redelivered",
        "scheduledJobId",
        "subscription",
        "timestamp",
        "transaction",
    }
)
_SCHEDULING_PREFIX = "AMQ_SCHEDULED_"


def producer_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a copy of a message keeps."""
    return {
        key: value
        for key, value in headers.items()
        if key not in _NOT_COPIED and not key.startswith(_SCHEDULING_PREFIX)
    }
