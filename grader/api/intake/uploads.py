"""Submissions whose program is uploaded to the bucket: the URL, and what follows the upload."""

from __future__ import annotations

import json

from grader.api.auth import Caller
from grader.api.errors import ApiError, Kind
from grader.api.intake.dispatch import Dispatcher
from grader.api.intake.prepared import Upload
from grader.api.lookup import MetadataReader, not_found
from grader.api.models import Accepted
from grader.api.remote import RemoteService
from grader.api.requests import Identity, check_size
from grader.api.services import Services
from grader.api.views import StoredMetadata
from grader.client.submission import SOURCE_TYPE
from grader.contract.bucket import metadata_key
from grader.contract.messages import GradingRequest

_UPLOAD_SECONDS = 900
_MOST_METADATA_BYTES = 1 << 20
_JSON = "application/json"


class Uploads:
    """
    Submissions that wait for their program.

    Args:
        services: The bucket and its name.
        bucket: Runs the calls of the bucket.
        metadata: Metadata by id.
        dispatcher: Stores and sends.
    """

    def __init__(
        self,
        services: Services,
        bucket: RemoteService,
        metadata: MetadataReader,
        dispatcher: Dispatcher,
    ) -> None:
        self._store = services.store
        self._bucket_name = services.options.bucket
        self._most_bytes = services.options.max_source_bytes
        self._bucket = bucket
        self._metadata = metadata
        self._dispatcher = dispatcher

    async def begin(self, upload: Upload) -> Accepted:
        """
        Store what is known, and return where to put the program; a repetition gives a new URL.

        Raises:
            ApiError: As `Dispatcher.record`.
        """
        request_id = upload.identity.request_id
        if not await self._dispatcher.record(upload.identity, upload.metadata):
            found = await self._metadata.read(request_id)
            if found is not None and not found.awaiting_upload:
                return Accepted.queued(request_id)
        target = await self._bucket.call(
            lambda: self._store.upload_target(
                upload.key, content_type=SOURCE_TYPE, seconds=_UPLOAD_SECONDS
            )
        )
        return Accepted.queued(request_id).model_copy(
            update={
                "status": "awaiting_upload",
                "upload_url": target.url,
                "upload_headers": dict(target.headers),
            }
        )

    async def complete(self, caller: Caller, request_id: str) -> Accepted:
        """
        Send a submission whose program was uploaded; a repetition changes nothing.

        Raises:
            ApiError: 404 if there is none, 409 if the program is missing, 422 if it is empty or too
                large, 503 if a service is away.
        """
        found = await self._metadata.read(request_id)
        if found is None or not _is_sender(caller, found):
            raise not_found(f"submission {request_id!r}")
        if not found.awaiting_upload:
            return Accepted.queued(request_id)
        key = metadata_key(request_id)
        body = await self._bucket.call(lambda: self._store.get(key, max_bytes=_MOST_METADATA_BYTES))
        request = GradingRequest.from_json(body)
        await self._check(request)
        await self._dispatcher.check_room(Identity(request_id), found.queue)
        ticket = self._dispatcher.ticket(found.queue)  # its position counts from now
        document = {**json.loads(body), "awaitingUpload": False, "ticket": ticket}
        changed = json.dumps(document).encode()
        await self._dispatcher.send(found.queue, request)
        await self._bucket.call(lambda: self._store.put(key, changed, content_type=_JSON))
        sent = found.model_copy(update={"awaiting_upload": False, "ticket": ticket})
        self._metadata.remember(sent)
        return Accepted.queued(request_id)

    async def _check(self, request: GradingRequest) -> None:
        """Check the size of the program, which S3 does not; nothing replaces it from now on."""
        key = request.source_url(self._bucket_name).key
        sizes = await self._bucket.call(
            lambda: [each.size_bytes for each in self._store.list(key) if each.key == key]
        )
        if not sizes:
            raise ApiError(
                Kind.UPLOAD_MISSING,
                "the program was not uploaded",
                next_step="PUT it to the uploadUrl first, with the headers in uploadHeaders",
            )
        check_size("source", sizes[0], self._most_bytes)


def _is_sender(caller: Caller, metadata: StoredMetadata) -> bool:
    """Whether a caller has sent a request, or is the user whose it is."""
    return metadata.owner == caller.key_id or (
        caller.user_id is not None and caller.user_id == metadata.user_id
    )
