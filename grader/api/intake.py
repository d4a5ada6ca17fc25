"""Takes submissions, runs of functions and batches: stores them, then sends their messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from grader.api.auth import Caller
from grader.api.errors import ApiError, Kind
from grader.api.lookup import Lookup, MetadataReader, not_found
from grader.api.models import Accepted, NewBatch, NewRun, NewSubmission
from grader.api.queue_monitor import QueueMonitor
from grader.api.remote import RemoteService
from grader.api.requests import (
    Identity,
    check_webhook,
    grading_request,
    identify,
    invalid,
    member_id,
    source_of,
    user_of,
)
from grader.api.services import Services
from grader.api.views import StoredMetadata
from grader.client.submission import (
    SOURCE_TYPE,
    RequestOptions,
    Source,
    put_source,
    source_metadata,
)
from grader.contract.bucket import metadata_key
from grader.contract.functions import FunctionRequest
from grader.contract.messages import GradingRequest, JobRequest
from grader.errors import AccessError

_UPLOAD_SECONDS = 900
_FULL_RETRY_SECONDS = 10
_JSON = "application/json"


@dataclass(frozen=True)
class _Work:
    """A request with all that is stored of it."""

    identity: Identity
    request: JobRequest
    metadata: Mapping[str, object]
    queue: str
    source: Source | None = None


class Intake:
    """
    Takes requests.

    A request is stored before its message is sent, so a worker finds its program. With an
    Idempotency-Key the metadata is written first and once: it decides which of two calls was first.

    Args:
        services: What it calls.
        bucket: Runs the calls of the bucket.
        sending: Runs the calls of the queues.
        queues: Counters of the queues.
        metadata: Metadata by id.
        lookup: Finds requests that exist.
    """

    def __init__(  # noqa: PLR0913 - what it is made of, named at the call
        self,
        services: Services,
        *,
        bucket: RemoteService,
        sending: RemoteService,
        queues: QueueMonitor,
        metadata: MetadataReader,
        lookup: Lookup,
    ) -> None:
        self._services = services
        self._bucket = bucket
        self._sending = sending
        self._queues = queues
        self._metadata = metadata
        self._lookup = lookup

    async def submit(self, caller: Caller, body: NewSubmission, key: str | None) -> Accepted:
        """
        Take a submission.

        Args:
            caller: Who sends it.
            body: The submission.
            key: The header Idempotency-Key; None without one.

        Raises:
            ApiError: It is invalid, the queue is full, or a service is away.
        """
        check_webhook(self._services.check_webhook, body.webhook_url)
        source = source_of(body)
        identity = identify(caller, key, body)
        options = RequestOptions(body.stop_at_first_failure, body.webhook_url)
        work = self._grading(caller, body, source, identity=identity, options=options)
        self._check_room(work.queue)
        if not source.content:
            return await self._await_upload(work)
        await self._take(work)
        return accepted(identity.request_id)

    async def run(self, caller: Caller, body: NewRun, key: str | None) -> str:
        """
        Take a run of a function, or a submission; returns its id.

        Raises:
            ApiError: As `submit`.
        """
        if (body.function_id is None) == (body.submission is None):
            raise invalid("functionId", "send either functionId or submission")
        if body.submission is not None:
            return await self._run_submission(caller, body, body.submission, key)
        check_webhook(self._services.check_webhook, body.webhook_url)
        user_id = user_of(caller, body.user_id)
        identity = identify(caller, key, body)
        request = FunctionRequest(
            request_id=identity.request_id,
            function_id=body.function_id or "",
            input_data=body.input_data,
            user_id=user_id,
            webhook_url=body.webhook_url,
        )
        try:
            request.to_json()
        except ValueError as error:
            raise invalid("inputData", "it is nested too deeply") from error
        queue = self._services.options.queue_of(priority=body.priority)
        known = request.model_dump(
            mode="json", by_alias=True, include={"request_id", "function_id"}
        )
        moment = {"timestamp": datetime.now(UTC).isoformat()}
        metadata = {**known, **moment, **self._about(caller, user_id, identity, queue)}
        self._check_room(queue)
        await self._take(_Work(identity, request, metadata, queue))
        return identity.request_id

    async def _run_submission(
        self, caller: Caller, body: NewRun, submission: NewSubmission, key: str | None
    ) -> str:
        if submission.source is None and submission.source_base64 is None:
            raise invalid("submission.source", "a run needs its program in the request")
        user_id = submission.user_id or body.user_id
        whole = submission.model_copy(
            update={"webhook_url": submission.webhook_url or body.webhook_url, "user_id": user_id}
        )
        return (await self.submit(caller, whole, key)).request_id

    async def uploaded(self, caller: Caller, request_id: str) -> Accepted:
        """
        Send a submission whose program was uploaded; a repetition changes nothing.

        Raises:
            ApiError: 404 if there is none, 409 if the program is missing, 503 if a service is away.
        """
        key = metadata_key(request_id)
        found = await self._metadata.read(request_id)
        if found is None or not (found.owner == caller.key_id or _is_own(caller, found)):
            raise not_found(f"submission {request_id!r}")
        if not found.awaiting_upload:
            return accepted(request_id)
        body = await self._bucket.call(lambda: self._services.store.get(key, max_bytes=1 << 20))
        request = GradingRequest.from_json(body)
        await self._check_uploaded(request)
        self._check_room(found.queue)
        changed = {**json.loads(body), "awaitingUpload": False}
        text = json.dumps(changed).encode()
        await self._send(found.queue, request)
        await self._bucket.call(lambda: self._services.store.put(key, text, content_type=_JSON))
        self._metadata.remember(found.model_copy(update={"awaiting_upload": False}))
        return accepted(request_id)

    async def batch(
        self, caller: Caller, body: NewBatch, key: str | None
    ) -> tuple[str, list[Accepted]]:
        """
        Take a batch; returns its id, and its submissions in order.

        Raises:
            ApiError: As `submit`; one invalid submission refuses the batch.
        """
        check_webhook(self._services.check_webhook, body.webhook_url)
        identity = identify(caller, key, body, "batch")
        works = self._works(caller, body, identity)
        for queue in {work.queue for work in works}:
            self._check_room(queue, len(works))
        await self._store_batch(caller, identity, works)
        waiting = works
        if identity.is_derived:
            taken = await asyncio.gather(
                *(self._lookup.has_row(work.request.request_id) for work in works)
            )
            waiting = [work for work, done in zip(works, taken, strict=True) if not done]
        await asyncio.gather(*(self._store(work) for work in waiting))
        await asyncio.gather(*(self._send(work.queue, work.request) for work in waiting))
        return identity.request_id, [accepted(work.request.request_id) for work in works]

    def _works(self, caller: Caller, body: NewBatch, identity: Identity) -> list[_Work]:
        works = []
        for number, each in enumerate(body.submissions):
            prefix = f"submissions.{number}."
            source = source_of(each, prefix)
            if not source.content:
                raise invalid(f"{prefix}source", "a batch needs its programs in the request")
            if each.webhook_url is not None:
                raise invalid(f"{prefix}webhookUrl", "a batch has one webhookUrl, at the top")
            options = RequestOptions(
                each.stop_at_first_failure,
                body.webhook_url,
                identity.request_id,
                len(body.submissions),
            )
            mine = replace(identity, request_id=member_id(identity.request_id, number))
            works.append(
                self._grading(caller, each, source, identity=mine, options=options, prefix=prefix)
            )
        return works

    async def _store_batch(
        self, caller: Caller, identity: Identity, works: Sequence[_Work]
    ) -> None:
        members = [
            {name: work.metadata[name] for name in ("requestId", "userId", "problemId", "language")}
            for work in works
        ]
        metadata = {
            "requestId": identity.request_id,
            "timestamp": datetime.now(UTC).isoformat(),
            "members": members,
            **self._about(caller, caller.user_id or "", identity, ""),
        }
        await self._write_metadata(identity, metadata)

    def _grading(  # noqa: PLR0913 - what a request is made of
        self,
        caller: Caller,
        body: NewSubmission,
        source: Source,
        *,
        identity: Identity,
        options: RequestOptions,
        prefix: str = "",
    ) -> _Work:
        user_id = user_of(caller, body.user_id, f"{prefix}userId")
        request = grading_request(
            body,
            source,
            bucket=self._services.options.bucket,
            user_id=user_id,
            request_id=identity.request_id,
            options=options,
            prefix=prefix,
        )
        queue = self._services.options.queue_of(priority=body.priority)
        metadata = {
            **source_metadata(request, source),
            **self._about(caller, user_id, identity, queue),
        }
        return _Work(identity, request, metadata, queue, source)

    def _about(
        self, caller: Caller, user_id: str, identity: Identity, queue: str
    ) -> dict[str, object]:
        return {
            "userId": user_id,
            "owner": caller.key_id,
            "bodySha256": identity.body_sha256,
            "queue": queue,
            "ticket": self._queues.ticket(queue) if queue else None,
        }

    def _check_room(self, queue: str, count: int = 1) -> None:
        """Refuse a request if the queue is full."""
        most = self._services.options.max_queue
        waiting = self._queues.waiting(queue) if most else None
        if waiting is not None and waiting + count > most:
            raise ApiError(
                Kind.QUEUE_FULL,
                f"{waiting} requests wait, and at most {most} may",
                next_step="repeat the request after the time in Retry-After",
                retry_after=_FULL_RETRY_SECONDS,
            )

    async def _take(self, work: _Work) -> None:
        """Store and send a request, unless an earlier call has."""
        if work.identity.is_derived:
            is_first = await self._write_metadata(work.identity, work.metadata)
            if not is_first and await self._lookup.has_row(work.identity.request_id):
                return
            await self._store_source(work)
            await self._send(work.queue, work.request)
            return
        if work.source is None:  # the message has all that a worker needs
            await asyncio.gather(self._store(work), self._send(work.queue, work.request))
            return
        await self._store(work)
        await self._send(work.queue, work.request)

    async def _store(self, work: _Work) -> None:
        await asyncio.gather(
            self._write_metadata(work.identity, work.metadata), self._store_source(work)
        )

    async def _store_source(self, work: _Work) -> None:
        source, request = work.source, work.request
        if source is not None and isinstance(request, GradingRequest):
            await self._bucket.call(lambda: put_source(self._services.store, request, source))

    async def _write_metadata(self, identity: Identity, metadata: Mapping[str, object]) -> bool:
        """
        Write metadata once; returns whether this call was the first.

        Raises:
            ApiError: 422 if the same key was used for something else.
        """
        key = metadata_key(str(metadata["requestId"]))
        body = json.dumps(metadata).encode()
        store = self._services.store
        is_first = await self._bucket.call(lambda: store.put_new(key, body, content_type=_JSON))
        if is_first:
            self._remember(body)
            return True
        found = await self._metadata.read(str(metadata["requestId"]))
        if found is not None and found.body_sha256 == identity.body_sha256:
            return False
        raise ApiError(
            Kind.IDEMPOTENCY_KEY_REUSED,
            "this Idempotency-Key was used for another request",
            next_step="use a new key for each new request, and the same one only to repeat it",
        )

    def _remember(self, body: bytes) -> None:
        found = StoredMetadata.read(body)
        if found is not None and not found.awaiting_upload:
            self._metadata.remember(found)

    async def _send(self, queue: str, request: JobRequest) -> None:
        sender, headers = self._services.sender, {"correlation-id": request.request_id}
        body = request.to_json()
        await self._sending.call(lambda: sender.send(queue, body, headers))
        self._queues.note_sent(queue)

    async def _await_upload(self, work: _Work) -> Accepted:
        request = work.request
        if not isinstance(request, GradingRequest):
            raise TypeError("only a submission has a program")
        metadata = {**work.metadata, "awaitingUpload": True}
        for absent in ("sizeBytes", "sha256"):
            metadata.pop(absent)
        if not await self._write_metadata(work.identity, metadata):
            found = await self._metadata.read(request.request_id)
            if found is not None and not found.awaiting_upload:
                return accepted(request.request_id)
        key = request.source_url(self._services.options.bucket).key
        target = await self._bucket.call(
            lambda: self._services.store.upload_target(
                key, content_type=SOURCE_TYPE, seconds=_UPLOAD_SECONDS
            )
        )
        return accepted(work.identity.request_id).model_copy(
            update={
                "status": "awaiting_upload",
                "upload_url": target.url,
                "upload_headers": dict(target.headers),
            }
        )

    async def _check_uploaded(self, request: GradingRequest) -> None:
        """Look for the program; where the bucket may not be listed, the worker looks for it."""
        key = request.source_url(self._services.options.bucket).key

        def is_missing() -> bool:
            try:
                return not any(each.key == key for each in self._services.store.list(key))
            except AccessError:
                return False

        if await self._bucket.call(is_missing):
            raise ApiError(
                Kind.UPLOAD_MISSING,
                "the program was not uploaded",
                next_step="PUT it to the uploadUrl first, with the headers in uploadHeaders",
            )


def accepted(request_id: str) -> Accepted:
    """Return the answer for a request that was queued."""
    url = f"/v1/submissions/{request_id}"
    return Accepted(request_id=request_id, status="queued", url=url, events_url=f"{url}/events")


def _is_own(caller: Caller, metadata: StoredMetadata) -> bool:
    return caller.user_id is not None and caller.user_id == metadata.user_id
