"""Makes requests of what callers send, with all that is stored of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from grader.api.auth import Caller
from grader.api.catalogue import Catalogue
from grader.api.errors import ApiError, Kind
from grader.api.models import NewRun, NewSubmission
from grader.api.queue_monitor import QueueMonitor
from grader.api.requests import (
    Identity,
    function_request,
    grading_request,
    invalid,
    limits_of,
    source_of,
    user_of,
)
from grader.api.services import ApiOptions
from grader.client.submission import RequestOptions, Source, source_metadata
from grader.contract.messages import GradingRequest, JobRequest


@dataclass(frozen=True)
class Program:
    """A program to store: its key in the bucket, and its bytes."""

    key: str
    content: bytes


@dataclass(frozen=True)
class PreparedRequest:
    """
    A request with all that is stored of it.

    Args:
        identity: Its id.
        request: The message.
        queue: Where the message goes.
        metadata: The content of `metadata.json`.
        program: Stored before the message is sent; None if the message has all that a worker needs.
    """

    identity: Identity
    request: JobRequest
    queue: str
    metadata: Mapping[str, object]
    program: Program | None = None


@dataclass(frozen=True)
class Upload:
    """
    A submission whose program will be uploaded.

    Args:
        identity: Its id.
        metadata: The content of `metadata.json`.
        key: Key of the program in the bucket.
    """

    identity: Identity
    metadata: Mapping[str, object]
    key: str


class RequestFactory:
    """
    Makes requests of the bodies of calls.

    Args:
        options: Names of bucket and queues.
        queues: Counters of the queues, from which the position of a request follows.
        catalogue: The limits of the problems.
    """

    def __init__(self, options: ApiOptions, queues: QueueMonitor, catalogue: Catalogue) -> None:
        self._options = options
        self._queues = queues
        self._catalogue = catalogue

    async def submission(
        self,
        caller: Caller,
        body: NewSubmission,
        identity: Identity,
        options: RequestOptions,
        prefix: str = "",
    ) -> PreparedRequest:
        """
        Make the request of a submission with its program.

        Args:
            caller: Who sends it.
            body: The submission.
            identity: Its id.
            options: What it has in addition.
            prefix: Path of the submission in the body, for errors.

        Raises:
            ApiError: A value is invalid, the urgent queue is not for this caller, or the bucket is
                away.
        """
        source = source_of(body, self._options.max_source_bytes, prefix)
        request = await self._grading(caller, body, source, identity, options, prefix)
        queue = self._queue(caller, priority=body.priority)
        metadata = source_metadata(request, source)
        about = self.about(caller, request.user_id, identity, queue)
        program = Program(self._key(request), source.content)
        return PreparedRequest(identity, request, queue, metadata | about, program)

    async def upload(
        self, caller: Caller, body: NewSubmission, identity: Identity, options: RequestOptions
    ) -> Upload:
        """Make the upload of a submission without its program; as `submission`."""
        source = source_of(body, self._options.max_source_bytes)
        request = await self._grading(caller, body, source, identity, options)
        queue = self._queue(caller, priority=body.priority)
        metadata = source_metadata(request, source)
        for unknown in ("sizeBytes", "sha256"):
            del metadata[unknown]
        about = self.about(caller, request.user_id, identity, queue)
        return Upload(identity, metadata | about | {"awaitingUpload": True}, self._key(request))

    def function(
        self, caller: Caller, body: NewRun, function_id: str, identity: Identity
    ) -> PreparedRequest:
        """Make the request of a run of a function; as `submission`."""
        user_id = user_of(caller, body.user_id)
        request = function_request(body, function_id, user_id, identity.request_id)
        queue = self._queue(caller, priority=body.priority)
        known = {
            "requestId": identity.request_id,
            "functionId": function_id,
            "timestamp": datetime.now(UTC).isoformat(),
        }
        return PreparedRequest(
            identity, request, queue, known | self.about(caller, user_id, identity, queue)
        )

    def about(
        self, caller: Caller, user_id: str, identity: Identity, queue: str
    ) -> dict[str, object]:
        """
        Return what the metadata of every request has for the API.

        Args:
            caller: Who sends it.
            user_id: Whose it is.
            identity: Its id.
            queue: Where its message goes; empty for a batch, which has none.
        """
        return {
            "userId": user_id,
            "owner": caller.key_id,
            "bodySha256": identity.body_sha256,
            "queue": queue,
            "ticket": self._queues.ticket(queue) if queue else None,
        }

    def _queue(self, caller: Caller, *, priority: bool) -> str:
        if priority and not caller.may_use_priority:
            raise ApiError(
                Kind.FORBIDDEN,
                "the key of a user may not use the urgent queue",
                next_step="leave out priority, or use a service key",
            )
        return self._options.queue_of(priority=priority)

    def _key(self, request: GradingRequest) -> str:
        return request.source_url(self._options.bucket).key

    async def _grading(  # noqa: PLR0913, PLR0917 - what a request is made of
        self,
        caller: Caller,
        body: NewSubmission,
        source: Source,
        identity: Identity,
        options: RequestOptions,
        prefix: str = "",
    ) -> GradingRequest:
        known = await self._catalogue.limits(body.problem_id)
        if known is None:  # a worker would move the request to the dead letters
            raise invalid(f"{prefix}problemId", f"there is no problem {body.problem_id!r}")
        limits = limits_of(caller, body, known, prefix)
        return grading_request(
            body,
            source,
            limits,
            bucket=self._options.bucket,
            user_id=user_of(caller, body.user_id, f"{prefix}userId"),
            request_id=identity.request_id,
            options=options,
            prefix=prefix,
        )
