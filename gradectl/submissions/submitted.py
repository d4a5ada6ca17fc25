"""Reads what a submission asked for, from the bucket."""

from __future__ import annotations

from grader.contract.bucket import metadata_key
from grader.contract.messages import GradingRequest
from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, RequestError
from grader.ports.stores import ObjectStore

_MAX_BYTES = 1 << 20


def submitted_request(store: ObjectStore, request_id: str) -> GradingRequest | None:
    """
    Read the request of a submission from its metadata.json; None if there is no such object.

    Raises:
        RequestError: The object is not a request, or that of another id.
    """
    key = metadata_key(request_id)
    try:
        request = GradingRequest.from_json(store.get(key, max_bytes=_MAX_BYTES))
    except ObjectNotFoundError:
        return None
    if request.request_id != request_id:
        text = f"{key} has the request id {request.request_id!r}"
        raise RequestError(ErrorCode.INVALID_REQUEST, text)
    return request
