"""Stores requests, each once, and sends their messages."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from grader.api.errors import ApiError, Kind
from grader.api.intake.prepared import PreparedRequest, Program
from grader.api.lookup import Lookup, MetadataReader
from grader.api.queue_monitor import QueueMonitor
from grader.api.remote import RemoteService
from grader.api.requests import Identity
from grader.api.services import Services
from grader.api.views import StoredMetadata
from grader.client.submission import SOURCE_TYPE
from grader.contract.bucket import metadata_key
from grader.contract.messages import JobRequest

_FULL_RETRY_SECONDS = 10
_JSON = "application/json"


class Dispatcher:
    """
    Stores and sends.

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

    async def check_room(self, identity: Identity, queue: str, count: int = 1) -> None:
        """
        Refuse new requests if their queue is full.

        Args:
            identity: Id of the request, or of the batch.
            queue: Where the messages will go.
            count: How many messages.

        Raises:
            ApiError: 503, the queue is full.
        """
        most = self._services.options.max_queue
        waiting = self._queues.waiting(queue) if most else None
        if waiting is None or waiting + count <= most:
            return
        if identity.is_derived and await self._metadata.read(identity.request_id) is not None:
            return  # a repetition
        raise ApiError(
            Kind.QUEUE_FULL,
            f"{waiting} requests wait, and at most {most} may",
            next_step="repeat the request after the time in Retry-After",
            retry_after=_FULL_RETRY_SECONDS,
        )

    async def take(self, prepared: PreparedRequest) -> None:
        """
        Store and send a request, unless an earlier call has.

        Raises:
            ApiError: As `record` and `send`.
        """
        recording = [self.record(prepared.identity, prepared.metadata)]
        if prepared.identity.is_derived:
            is_first = await recording.pop()
            if not is_first and await self._is_taken(prepared.identity.request_id):
                return
        if prepared.program is not None:
            await asyncio.gather(*recording, self._store(prepared.program))
            recording = []
        await asyncio.gather(*recording, self.send(prepared.queue, prepared.request))

    async def _is_taken(self, request_id: str) -> bool:
        """Whether a worker has a request. No, while rows cannot be read: a worker ends a copy."""
        try:
            return await self._lookup.has_row(request_id)
        except ApiError:
            return False

    def ticket(self, queue: str) -> int | None:
        """Return how many messages a queue has received; None if that is not known."""
        return self._queues.ticket(queue)

    async def record(self, identity: Identity, metadata: Mapping[str, object]) -> bool:
        """
        Write the metadata of a request or batch once; returns whether this call was the first.

        Raises:
            ApiError: 422 if the same key was used for something else; 503 if the bucket is away.
        """
        key = metadata_key(identity.request_id)
        body = json.dumps(metadata).encode()
        store = self._services.store
        is_first = await self._bucket.call(lambda: store.put_new(key, body, content_type=_JSON))
        if is_first:
            self._remember(body)
            return True
        found = await self._metadata.read(identity.request_id)
        if found is not None and found.body_sha256 == identity.body_sha256:
            return False
        raise ApiError(
            Kind.IDEMPOTENCY_KEY_REUSED,
            "this Idempotency-Key was used for another request",
            next_step="use a new key for each new request, and the same one only to repeat it",
        )

    async def send(self, queue: str, request: JobRequest) -> None:
        """
        Send the message of a request.

        Raises:
            ApiError: 503 if the broker is away.
        """
        sender, headers = self._services.sender, {"correlation-id": request.request_id}
        body = request.to_json()
        await self._sending.call(lambda: sender.send(queue, body, headers))
        self._queues.note_sent(queue)

    async def _store(self, program: Program) -> None:
        store = self._services.store
        await self._bucket.call(
            lambda: store.put(program.key, program.content, content_type=SOURCE_TYPE)
        )

    def _remember(self, body: bytes) -> None:
        found = StoredMetadata.read(body)
        if found is not None and not found.awaiting_upload:
            self._metadata.remember(found)
