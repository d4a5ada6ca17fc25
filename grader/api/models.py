"""The bodies of the API's requests and answers; OpenAPI is generated from them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from grader.contract.messages import Identifier, Message, Timestamp
from grader.contract.submissions import Submission

_Text = Annotated[str, StringConstraints(min_length=1, max_length=128)]
_Url = Annotated[str, Field(max_length=2048, examples=["https://example.com/grading"])]

_LIMIT = "by default that of the problem, which keys of users can only lower"


class _Body(Message):
    """A request body: unknown fields are an error, because a typo would be ignored otherwise."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewSubmission(_Body):
    """
    A program to grade.

    Either `source`, or neither of both: then the answer has an `uploadUrl` for a large file, and
    the submission is sent by `POST /v1/submissions/{id}/uploaded`.
    """

    problem_id: Identifier
    language: Annotated[str, Field(min_length=1, max_length=32, examples=["python"])]
    source: Annotated[str | None, Field(description="the program as text")] = None
    source_base64: Annotated[
        str | None, Field(description="the program as base64, for any encoding")
    ] = None
    file_name: Annotated[str | None, Field(max_length=255, description="its extension is kept")] = (
        None
    )
    user_id: Annotated[
        _Text | None, Field(description="who submits; only for keys without a user of their own")
    ] = None
    time_limit: Annotated[
        int | None,
        Field(gt=0, description=f"CPU milliseconds per case; {_LIMIT}"),
    ] = None
    memory_limit: Annotated[int | None, Field(gt=0, description=f"MB per case; {_LIMIT}")] = None
    stop_at_first_failure: bool = False
    priority: Annotated[
        bool, Field(description="use the urgent queue; only for keys without a user, or with admin")
    ] = False
    webhook_url: Annotated[_Url | None, Field(description="receives the result")] = None

    @property
    def has_program(self) -> bool:
        """Whether the program is here; otherwise it will be uploaded."""
        return self.source is not None or self.source_base64 is not None


class Accepted(Message):
    """A submission that was queued, or that waits for its upload."""

    request_id: str
    status: Literal["queued", "awaiting_upload"]
    url: Annotated[str, Field(description="where to ask for it")]
    events_url: str
    upload_url: Annotated[
        str | None, Field(description="where to PUT the program; valid for 15 minutes")
    ] = None
    upload_headers: Annotated[
        dict[str, str] | None, Field(description="headers that the PUT must have")
    ] = None

    @classmethod
    def queued(cls, request_id: str) -> Accepted:
        """Return the answer for a request that was queued."""
        url = f"/v1/submissions/{request_id}"
        return cls(request_id=request_id, status="queued", url=url, events_url=f"{url}/events")


class NewBatch(_Body):
    """Several submissions; `webhookUrl` is called once, when all have ended."""

    submissions: Annotated[list[NewSubmission], Field(min_length=1, max_length=1000)]
    webhook_url: Annotated[_Url | None, Field(description="receives the state of all")] = None


class BatchAccepted(Message):
    """A batch that was queued."""

    batch_id: str
    url: str
    submissions: list[Accepted]


class NewRun(_Body):
    """A function to run (`functionId`), or a program to grade (as `NewSubmission`)."""

    function_id: Identifier | None = None
    input_data: Annotated[Any, Field(description="input of the function, any JSON value")] = None
    submission: NewSubmission | None = None
    user_id: Annotated[
        _Text | None, Field(description="who runs it; only for keys without a user of their own")
    ] = None
    priority: Annotated[
        bool, Field(description="of a function: use the urgent queue, as in a submission")
    ] = False
    webhook_url: Annotated[_Url | None, Field(description="receives the answer too")] = None
    wait_seconds: Annotated[float, Field(ge=0, le=25, description="longest wait")] = 25


class SubmissionPage(Message):
    """A page of submissions, the newest first."""

    submissions: list[Submission]
    next: Annotated[str | None, Field(description="cursor of the next page")] = None


class Problem(Message):
    """A problem that can be submitted to."""

    problem_id: str
    title: str
    has_statement: bool
    time_limit: Annotated[int, Field(description="CPU milliseconds per case")]
    memory_limit: Annotated[int, Field(description="MB per case")]


class LanguageInfo(Message):
    """A language of the workers."""

    name: str
    title: str
    version: str | None = None
    extension: str


class QueueInfo(Message):
    """State of the requests' queue."""

    model_config = ConfigDict(alias_generator=None)

    messages_available: str
    messages_in_flight: str
    queue_url: str | None = None


class QueueStatus(Message):
    """The shape that status calls of this system have had from the start."""

    model_config = ConfigDict(alias_generator=None)

    status: Literal["success"]
    queue_info: QueueInfo
    sqs_enabled: bool
    consumers: int | None = None


class FieldProblem(Message):
    """What is wrong with one field."""

    field: Annotated[str, Field(description="path in the body, such as submissions.0.language")]
    message: str


class ProblemDetails(Message):
    """An error (RFC 9457), with the media type application/problem+json."""

    type: Annotated[str, Field(description="URI of the kind of error, below /problems/")]
    title: str
    status: int
    detail: str
    instance: Annotated[
        str | None, Field(description="id of the call, as in the header X-Request-Id")
    ] = None
    next_step: str | None = None
    errors: list[FieldProblem] | None = None


class OperatorQueue(Message):
    """A queue of requests, or of dead letters."""

    name: str
    waiting: int
    in_flight: int
    consumers: int | None = None


class OperatorWorker(Message):
    """A worker that has claimed or finished a request in the last ten minutes."""

    worker_id: str
    running: int
    last_seen_at: Timestamp


class OperatorFailure(Message):
    """A request that failed without a verdict."""

    request_id: str
    user_id: str
    problem_id: str
    code: str
    message: str
    at: Timestamp


class OperatorCommand(Message):
    """A command of `gradectl` to copy."""

    title: str
    command: str


class OperatorOverview(Message):
    """What an operator looks at first; what a service that is away would tell is absent."""

    queues: list[OperatorQueue] | None
    workers: list[OperatorWorker] | None
    failures: list[OperatorFailure] | None
    away: Annotated[
        list[Literal["database", "queues"]], Field(description="services that do not answer")
    ]
    commands: list[OperatorCommand]


class Me(Message):
    """Who calls."""

    name: str
    user_id: str | None = None
    scopes: list[str]
    priority: Annotated[bool, Field(description="whether it may use the urgent queue")]
    max_source_bytes: Annotated[int, Field(description="largest program, bytes")]


class HealthPage(Message):
    """Whether the process answers, and which services were away at the last call."""

    status: Literal["ok", "degraded", "stopping"]
    checks: dict[str, str]
