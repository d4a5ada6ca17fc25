"""Reads what a submission asked for, from the bucket."""

from __future__ import annotations

from typing import TypeVar

from grader.contract.bucket import metadata_key
from grader.contract.messages import GradingRequest, JobRequest, Timestamp
from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, RequestError
from grader.ports.stores import ObjectStore

_MAX_BYTES = 1 << 20
_Request = TypeVar("_Request", bound=JobRequest)


class SubmittedFields(JobRequest):
    """
    The fields of metadata.json that tell what was asked for.

    A submission has a problem and a language, and a run of a function has a function id. The batch
    of a request may have neither.
    """

    user_id: str = ""
    problem_id: str = ""
    language: str = ""
    function_id: str | None = None
    timestamp: Timestamp | None = None
    awaiting_upload: bool = False  # its client has an upload URL, and has not said that it is done

    @property
    def summary(self) -> str:
        """Who asked for what."""
        by = f" by {self.user_id}" if self.user_id else ""
        what = self.function_id and f"function {self.function_id}"
        what = what or ", ".join(filter(None, (self.language, self.problem_id)))
        return f"request made{by}" + (f": {what}" if what else "")


def submitted_fields(store: ObjectStore, request_id: str) -> SubmittedFields | None:
    """
    Read what metadata.json tells about a request of any kind; None if there is no such object.

    Raises:
        RequestError: The object is not metadata, or that of another id.
    """
    return _read(store, request_id, SubmittedFields)


def submitted_request(
    store: ObjectStore, request_id: str, *, was_taken: bool = False
) -> GradingRequest | None:
    """
    Read the request of a submission from its metadata.json; None if there is no such object.

    Args:
        store: The bucket.
        request_id: The request.
        was_taken: Whether a worker has had it, so that its program was uploaded.

    Raises:
        RequestError: The object is not a request to grade, is that of another id, or its program is
            still to be uploaded.
    """
    fields = submitted_fields(store, request_id)
    if fields is not None and fields.function_id is not None:
        text = f"it ran the function {fields.function_id}, whose input is not stored"
        raise RequestError(ErrorCode.INVALID_REQUEST, text)
    if fields is not None and fields.awaiting_upload and not was_taken:
        text = "its client has not uploaded its program yet, and sends it after that"
        raise RequestError(ErrorCode.INVALID_REQUEST, text)
    return _read(store, request_id, GradingRequest)


def _read(store: ObjectStore, request_id: str, model: type[_Request]) -> _Request | None:
    key = metadata_key(request_id)
    try:
        request = model.from_json(store.get(key, max_bytes=_MAX_BYTES))
    except ObjectNotFoundError:
        return None
    if request.request_id != request_id:
        text = f"{key} has the request id {request.request_id!r}"
        raise RequestError(ErrorCode.INVALID_REQUEST, text)
    return request
