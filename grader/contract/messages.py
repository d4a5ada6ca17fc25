"""
The two messages of the system (JSON, UTF-8, camelCase) as data.

Web tier to worker: `GradingRequest`.  Worker to web tier: `GradingResult`.
Other handlers have their own requests and results; `JobRequest` and `JobResult` are the fields that
all have in common.
Unknown fields are ignored, never an error: producers are in several languages. For the same reason
a request may have a number in place of a text, and the other way round, where that has only one
meaning. The published JSON Schema accepts the same documents as the model, except that the worker
takes invalid values of webhook and batch as absent: they never keep a submission from being graded.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)
from pydantic.alias_generators import to_camel
from pydantic_core import PydanticCustomError

from grader.contract.bucket import ObjectUrl, test_cases_prefix
from grader.contract.verdicts import ErrorCode, Fault, Status, Verdict
from grader.errors import RequestError

#: The largest integer that every JSON library reads exactly.
_LARGEST_EXACT = 2**53 - 1
#: No leading dot or dash, so an id can be neither a hidden file, "..", nor an option.
IDENTIFIER = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"
#: No sign, no leading zero, no exponent: what every language prints for an integer.
_DIGITS = r"^[1-9][0-9]{0,14}$"
#: RFC 3339, also with an offset without a colon. The days of a month are checked later.
_TIME = (
    r"^[12][0-9]{3}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt ]"
    r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"([Zz]|[+-]([01][0-9]|2[0-3]):?[0-5][0-9])$"
)
_BOOLEANS = {"true": True, "false": False}


def _text_of_integer(value: object) -> object:
    """Write an integer as text; anything else is left to the validation of text."""
    number = _whole(value)
    return value if number is None or not 0 <= number <= _LARGEST_EXACT else str(number)


def _integer_of_text(value: object) -> int:
    """Read an integer, or its decimal digits."""
    digits = isinstance(value, str) and re.fullmatch(_DIGITS, value)
    number = int(digits[0]) if digits else _whole(value)
    if number is None:
        raise PydanticCustomError("whole_number", "Input should be a whole number, or its digits")
    return number


def _whole(value: object) -> int | None:
    """Return 7 for 7 and 7.0, which are the same number in JSON; None for true."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return int(value) if isinstance(value, float) and value.is_integer() else None


def _boolean_of_text(value: object) -> object:
    """Read true and false; not 1, "yes" or "on", which other languages read differently."""
    found = _BOOLEANS.get(value, value) if isinstance(value, str) else value
    if isinstance(found, bool):
        return found
    raise PydanticCustomError("boolean", "Input should be true or false")


def _time_of_text(value: object) -> object:
    """Require a date with time and offset; a number may mean seconds or milliseconds."""
    if isinstance(value, datetime) or (isinstance(value, str) and re.fullmatch(_TIME, value)):
        return value
    raise PydanticCustomError(
        "time", "Input should be a time with its offset, such as 2024-08-20T12:00:00Z"
    )


def _text_schema(**text: object) -> WithJsonSchema:
    number = {"type": "integer", "minimum": 0, "maximum": _LARGEST_EXACT}
    return WithJsonSchema({"anyOf": [{"type": "string", **text}, number]})


def _integer_schema(description: str) -> WithJsonSchema:
    number = {"type": "integer", "exclusiveMinimum": 0, "maximum": _LARGEST_EXACT}
    text = {"type": "string", "pattern": _DIGITS}
    return WithJsonSchema({"anyOf": [number, text], "description": description})


#: An identifier that becomes part of an object key, a file name and a log line.
Identifier = Annotated[
    str,
    BeforeValidator(_text_of_integer),
    Field(pattern=IDENTIFIER),
    _text_schema(pattern=IDENTIFIER),
]

LONGEST_WEBHOOK_URL = 2048
_MOST_IN_BATCH = 1000
_LONGEST_ANSWER_ID = 255


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


Timestamp = Annotated[AwareDatetime, PlainSerializer(_rfc3339, return_type=str)]
_RequestTime = Annotated[
    Timestamp,
    BeforeValidator(_time_of_text),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _TIME}),
]
_PositiveInteger = Annotated[int, BeforeValidator(_integer_of_text), Field(gt=0, le=_LARGEST_EXACT)]


def _printable(text: str | None) -> str | None:
    if text is not None and not text.isprintable():
        raise PydanticCustomError("printable", "Input should be printable text")
    return text


def _or_absent(
    value: object, validate: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> object:
    """Take an invalid value of a message as absent; our own code gets the error."""
    try:
        return validate(value)
    except ValidationError:
        if info.mode == "json":
            return None
        raise


#: Of a message, invalid values of these are absent.
WebhookUrl = Annotated[
    str | None,
    Field(
        min_length=1,
        max_length=LONGEST_WEBHOOK_URL,
        description="https URL that receives the result",
    ),
    AfterValidator(_printable),
    WrapValidator(_or_absent),
]
BatchId = Annotated[
    Identifier | None,
    Field(description="id that the requests of a batch share"),
    WrapValidator(_or_absent),
]
BatchSize = Annotated[
    Annotated[
        int,
        BeforeValidator(_integer_of_text),
        Field(gt=0, le=_MOST_IN_BATCH),
        WithJsonSchema({"type": "integer", "exclusiveMinimum": 0, "maximum": _MOST_IN_BATCH}),
    ]
    | None,
    Field(description="number of requests in the batch"),
    WrapValidator(_or_absent),
]


class Message(BaseModel):
    """Base of the documents: camelCase in JSON, unknown fields ignored, immutable."""

    model_config = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", frozen=True
    )

    def to_json(self) -> bytes:
        """Encode as JSON; absent optional fields stay absent."""
        return self.model_dump_json(by_alias=True, exclude_none=True).encode()


# --- Web tier to worker -------------------------------------------------------------------------


class JobRequest(Message):
    """
    A request for any handler; the handler's model adds its own fields.

    A `webhookUrl` receives the result. The requests of a batch share a `batchId`; with `batchSize`,
    their number, the webhook is called once for the whole batch.
    """

    request_id: Identifier
    webhook_url: WebhookUrl = None
    batch_id: BatchId = None
    batch_size: BatchSize = None

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """
        Decode a request message.

        Raises:
            RequestError: Not JSON, a missing field, or an invalid value; names the field.
        """
        try:
            return cls.model_validate_json(body, by_alias=True, by_name=False)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"]) or "body"
            raise RequestError(ErrorCode.INVALID_REQUEST, f"{field}: {first['msg']}") from None


class GradingRequest(JobRequest):
    """A request to grade a source file with test cases."""

    user_id: Annotated[
        str,
        BeforeValidator(_text_of_integer),
        Field(min_length=1, max_length=128),
        _text_schema(minLength=1, maxLength=128),
    ]
    problem_id: Identifier
    language: Annotated[str, Field(min_length=1, max_length=32)]
    source_file: str
    test_cases: str | None = None
    time_limit: Annotated[_PositiveInteger, _integer_schema("CPU milliseconds per case")]
    memory_limit: Annotated[_PositiveInteger, _integer_schema("MB per case")]
    stop_at_first_failure: Annotated[
        bool,
        BeforeValidator(_boolean_of_text),
        WithJsonSchema(
            {
                "anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}],
                "description": "run no further case once one was not accepted",
            }
        ),
    ] = False
    timestamp: _RequestTime

    def source_url(self, bucket: str) -> ObjectUrl:
        """URL of the source; raises `RequestError` if it is not in `bucket`."""
        return ObjectUrl.parse(self.source_file, bucket=bucket)

    def test_cases_url(self, bucket: str) -> ObjectUrl:
        """URL of the test cases, by default under the prefix of the problem."""
        if self.test_cases is None:
            return ObjectUrl(bucket, test_cases_prefix(self.problem_id))
        return ObjectUrl.parse(self.test_cases, bucket=bucket)


# --- Worker to web tier -------------------------------------------------------------------------


class CaseResult(Message):
    """Result of one test case."""

    case: int
    status: Verdict
    time: Annotated[int, Field(description="CPU milliseconds")]
    memory: Annotated[int, Field(description="peak MB, rounded up")]
    wall_time: Annotated[int | None, Field(description="wall time, milliseconds")] = None
    memory_kb: Annotated[int | None, Field(description="peak kB")] = None
    group: Annotated[str | None, Field(description="directory of the case; absent: none")] = None
    score: Annotated[float | None, Field(description="points, if the problem has them")] = None
    fault: Annotated[Fault | None, Field(description="absent when accepted")] = None
    reason: Annotated[str | None, Field(description="why, in words safe to show")] = None


class Grade(Message):
    """Verdict on all test cases."""

    verdict: Verdict
    score: Annotated[int, Field(ge=0, le=100)]
    execution_time: Annotated[int, Field(description="CPU milliseconds over all cases")]
    memory_usage: Annotated[int, Field(description="highest peak MB of a case")]
    test_results: tuple[CaseResult, ...] = ()
    message: str | None = None  # e.g. the start of the compiler's output; safe to show
    wall_time: Annotated[int | None, Field(description="wall time of all cases, milliseconds")] = (
        None
    )
    memory_kb: Annotated[int | None, Field(description="highest peak kB of a case")] = None
    cases_total: Annotated[int | None, Field(description="cases of the problem, run or not")] = None
    fault: Annotated[Fault | None, Field(description="absent when accepted")] = None
    reason: Annotated[str | None, Field(description="why, in words safe to show")] = None
    optimization_tip: Annotated[
        str | None, Field(description="hint when the limits are far above the measured use")
    ] = None


class Failure(Message):
    """Reason for a result without a verdict."""

    code: ErrorCode
    message: str  # safe to show a user
    fault: Fault | None = None


class JobResult(Message):
    """Result of a request for any handler, which defines `result`."""

    request_id: str
    status: Status
    result: object | None = None
    error: Failure | None = None
    result_file: str | None = None
    rejudging: Annotated[
        str | None, Field(description="name of the rejudging that graded it; absent: none")
    ] = None
    timestamp: Timestamp

    @classmethod
    def from_json(cls, body: bytes | str) -> Self:
        """Decode a stored or received result; raises `ValueError` if it is invalid."""
        return cls.model_validate_json(body)


class GradingResult(JobResult):
    """Result of a grading request."""

    result: Grade | None = None


def readable_request_id(body: bytes) -> str | None:
    """Extract the request id of a message that may otherwise be invalid; None without one."""
    try:
        document = json.loads(body)
        return _RequestId.model_validate(document, by_alias=True, by_name=False).request_id
    except (ValueError, RecursionError):  # bad UTF-8 or JSON, no id, or nothing but brackets
        return None


class _RequestId(Message):
    request_id: Identifier


def answer_id(headers: Mapping[str, str], body: bytes) -> str:
    """
    Name a message without a valid request id, so that its producer recognizes the failed result.

    Args:
        headers: Of the message.
        body: Of the message.

    Returns:
        The header `correlation-id`, or else the invalid id as far as it can be read; at most 255
        characters, control characters replaced. Empty without either. It is safe in a header and a
        message, and for nothing else: not in an object key, a path or a row.
    """
    found = headers.get("correlation-id") or _unchecked_request_id(body)
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}"
        for char in found[:_LONGEST_ANSWER_ID]
    )


def _unchecked_request_id(body: bytes) -> str:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):  # bad UTF-8 or JSON, or nothing but brackets
        return ""
    found = document.get("requestId") if isinstance(document, dict) else None
    return str(found) if isinstance(found, str | int | float) else ""
