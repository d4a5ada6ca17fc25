"""Checks what a caller sends, and makes requests of it; pure but for new ids."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from grader.api.auth import Caller
from grader.api.errors import ApiError, Kind
from grader.api.models import FieldProblem, NewRun, NewSubmission
from grader.client.submission import (
    Limits,
    RequestOptions,
    Source,
    make_request,
    new_request_id,
)
from grader.contract.functions import FunctionRequest, encode_input
from grader.contract.messages import GradingRequest
from grader.errors import RequestError
from grader.languages import find

_ID_DIGITS = 32
_LONGEST_KEY = 255


def invalid(field: str, message: str) -> ApiError:
    """Return the answer for one invalid field."""
    return ApiError(
        Kind.INVALID_REQUEST,
        f"{field}: {message}",
        next_step="correct the field; /docs has the fields of each request",
        errors=[FieldProblem(field=field, message=message)],
    )


@dataclass(frozen=True)
class Identity:
    """
    What makes a call the same as another one.

    Args:
        request_id: Id of the request or batch.
        is_derived: Whether it follows from an Idempotency-Key, so that it may exist.
        body_sha256: Hash of what was asked for; empty if the id is new.
    """

    request_id: str
    is_derived: bool = False
    body_sha256: str = ""


def identify(caller: Caller, key: str | None, body: BaseModel, kind: str = "req") -> Identity:
    """
    Choose the id of a request.

    With an Idempotency-Key it is an HMAC of caller and key. Only what the client has sent counts as
    the content: neither defaults, which another version may have more of, nor how long it waits.

    Args:
        caller: Who sends it.
        key: The header Idempotency-Key; None without one.
        body: What is asked for.
        kind: First part of the id.

    Raises:
        ApiError: The key is empty or too long.
    """
    if key is None:
        new = new_request_id(datetime.now(UTC))
        fresh = new if kind == "req" else f"{kind}_{secrets.token_hex(_ID_DIGITS // 2)}"
        return Identity(fresh)
    if not 0 < len(key) <= _LONGEST_KEY:
        raise invalid("Idempotency-Key", f"1 to {_LONGEST_KEY} characters are allowed")
    content = body.model_dump_json(exclude_unset=True, exclude_none=True, exclude={"wait_seconds"})
    name = f"{kind}\0{caller.key_id}\0{key}"
    derived = hmac.new(caller.id_secret.encode(), name.encode(), hashlib.sha256).hexdigest()
    return Identity(
        f"{kind}_{derived[:_ID_DIGITS]}",
        is_derived=True,
        body_sha256=hashlib.sha256(content.encode()).hexdigest(),
    )


def member_id(batch_id: str, number: int) -> str:
    """Return the id of a request of a batch."""
    digest = hashlib.sha256(f"{batch_id}\0{number}".encode()).hexdigest()
    return f"req_{digest[:_ID_DIGITS]}"


def user_of(caller: Caller, named: str | None, field: str = "userId") -> str:
    """
    Return whose a request is.

    Raises:
        ApiError: A service named none, or a user named another one.
    """
    if caller.user_id is None:
        if not named:
            raise invalid(field, "this key has no user of its own, so the request must name one")
        return named
    if named not in (None, caller.user_id):
        raise invalid(field, "the key belongs to another user; leave the field out")
    return caller.user_id


def limits_of(caller: Caller, body: NewSubmission, problem: Limits, prefix: str = "") -> Limits:
    """
    Return the limits of a submission.

    Args:
        caller: Who sends it; a service sets what it likes, a user only less than the problem.
        body: The submission.
        problem: The limits of its problem.
        prefix: Path of the submission in the body, for errors.

    Raises:
        ApiError: A user asks for more.
    """
    for field, asked, allowed, unit in (
        ("timeLimit", body.time_limit, problem.time_ms, "ms"),
        ("memoryLimit", body.memory_limit, problem.memory_mb, "MB"),
    ):
        if asked is not None and asked > allowed and caller.user_id is not None:
            raise invalid(f"{prefix}{field}", f"{asked} {unit}; at most {allowed} {unit} allowed")
    return Limits(body.time_limit or problem.time_ms, body.memory_limit or problem.memory_mb)


def check_webhook(check: Callable[[str], str], url: str | None, field: str = "webhookUrl") -> None:
    """
    Check the receiver of a webhook, if there is one.

    Raises:
        ApiError: It is not allowed; says why.
    """
    reason = check(url) if url is not None else ""
    if reason:
        raise invalid(field, reason)


def check_size(field: str, size: int, most: int) -> None:
    """
    Check the size of a program.

    Args:
        field: Where it is in the request.
        size: Its bytes.
        most: Most bytes that the workers take.

    Raises:
        ApiError: It is empty or too large.
    """
    if not 0 < size <= most:
        raise invalid(field, f"{size} bytes; allowed are 1 to {most}")


def source_of(body: NewSubmission, most_bytes: int, prefix: str = "") -> Source:
    """
    Return the program; without content, if it will be uploaded.

    Args:
        body: The submission.
        most_bytes: Size of the largest program.
        prefix: Path of the submission in the body, for errors.

    Raises:
        ApiError: The language is unknown, or the program is not valid.
    """
    try:
        language = find(body.language)
    except RequestError as error:
        raise invalid(f"{prefix}language", error.what) from error
    if body.source is not None and body.source_base64 is not None:
        raise invalid(f"{prefix}sourceBase64", "send either source or sourceBase64")
    name = body.file_name or f"solution.{language.extension}"
    return Source(_plain(name, language.extension), _content(body, most_bytes, prefix))


def _content(body: NewSubmission, most_bytes: int, prefix: str) -> bytes:
    if not body.has_program:
        return b""
    field = f"{prefix}{'sourceBase64' if body.source is None else 'source'}"
    try:
        content = (
            base64.b64decode(body.source_base64 or "", validate=True)
            if body.source is None
            else body.source.encode()
        )
    except (binascii.Error, ValueError) as error:
        raise invalid(field, "not valid: it cannot be decoded") from error
    check_size(field, len(content), most_bytes)
    return content


def _plain(name: str, extension: str) -> str:
    """Keep the extension of a file name if it is a plain word; it becomes part of an object key."""
    found = name.rpartition(".")[2] if "." in name else ""
    is_plain = found.isascii() and found.isalnum() and len(found) <= 16  # noqa: PLR2004 - longest extension
    return name if is_plain else f"{name}.{extension}"


def grading_request(  # noqa: PLR0913 - what a request is made of, named at the call
    body: NewSubmission,
    source: Source,
    limits: Limits,
    *,
    bucket: str,
    user_id: str,
    request_id: str,
    options: RequestOptions,
    prefix: str = "",
) -> GradingRequest:
    """
    Make the message of a submission.

    Raises:
        ApiError: A value is invalid.
    """
    try:
        return make_request(
            bucket=bucket,
            problem_id=body.problem_id,
            language=body.language,
            source=source,
            limits=limits,
            user_id=user_id,
            request_id=request_id,
            options=options,
        )
    except RequestError as error:
        name, _, message = error.what.partition(": ")
        raise invalid(f"{prefix}{to_camel(name)}", message or error.what) from error


def check_input(value: object) -> None:
    """
    Check the input of a function.

    Raises:
        ApiError: It is too large, too deep, or has a number that JSON has not.
    """
    try:
        encode_input(value)
    except RequestError as error:
        name, _, why = error.what.partition(": ")
        raise invalid(name, why) from error


def function_request(
    body: NewRun, function_id: str, user_id: str, request_id: str
) -> FunctionRequest:
    """Make the message of a run of a function."""
    return FunctionRequest(
        request_id=request_id,
        function_id=function_id,
        input_data=body.input_data,
        user_id=user_id,
        webhook_url=body.webhook_url,
    )
