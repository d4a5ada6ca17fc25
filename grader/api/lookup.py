"""Finds a request for a caller: its row, or else the metadata of a waiting one."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress

from grader.api.auth import Caller
from grader.api.errors import ApiError, Kind
from grader.api.loader import BatchLoader
from grader.api.queue_monitor import QueueMonitor
from grader.api.remote import RemoteService
from grader.api.views import StoredMetadata, View, member_view, view_of_metadata, view_of_row
from grader.contract.bucket import metadata_key
from grader.contract.submissions import Batch, QueuePosition, Submission
from grader.errors import HiddenObjectError, ObjectNotFoundError
from grader.ports.stores import ObjectStore
from grader.ports.submissions import SubmissionReader, SubmissionRow

_MOST_METADATA_BYTES = 1 << 20
_MOST_CACHED = 10_000


def not_found(what: str) -> ApiError:
    """Return the answer for what does not exist, and for what belongs to somebody else."""
    return ApiError(
        Kind.NOT_FOUND,
        f"{what} not found",
        next_step="check the id, and that the key belongs to the user who submitted",
    )


class MetadataReader:
    """
    Reads `metadata.json`, and remembers what cannot change any more.

    Args:
        store: The bucket.
        bucket: Runs the calls.
    """

    def __init__(self, store: ObjectStore, bucket: RemoteService) -> None:
        self._store = store
        self._bucket = bucket
        self._known: OrderedDict[str, StoredMetadata] = OrderedDict()

    async def read(self, request_id: str) -> StoredMetadata | None:
        """
        Read the metadata of a request or batch; None without any.

        Raises:
            ApiError: 503 if the bucket is away.
        """
        if known := self._known.get(request_id):
            self._known.move_to_end(request_id)
            return known
        key = metadata_key(request_id)
        try:
            body = await self._bucket.call(
                lambda: self._store.get(key, max_bytes=_MOST_METADATA_BYTES)
            )
        except (ObjectNotFoundError, HiddenObjectError):
            return None
        found = StoredMetadata.read(body)
        if found is not None and not found.awaiting_upload:
            self.remember(found)
        return found

    def remember(self, metadata: StoredMetadata) -> None:
        """Keep what was written or read."""
        self._known[metadata.request_id] = metadata
        while len(self._known) > _MOST_CACHED:
            self._known.popitem(last=False)


class Lookup:
    """
    Finds requests and batches.

    Args:
        rows: Rows by id.
        metadata: Metadata by id.
        queues: Positions in the queues.
        reader: The rows of batches.
        database: Runs the statements.
    """

    def __init__(
        self,
        rows: BatchLoader[SubmissionRow],
        metadata: MetadataReader,
        queues: QueueMonitor,
        reader: SubmissionReader,
        database: RemoteService,
    ) -> None:
        self._rows = rows
        self._metadata = metadata
        self._queues = queues
        self._reader = reader
        self._database = database

    async def view(self, caller: Caller, request_id: str) -> View:
        """
        Find a request.

        Raises:
            ApiError: 404 if there is none, or if it is another user's; 503 if a service is away.
        """
        row = await self._rows.load(request_id)
        if row is not None:
            return await self.view_of(caller, row)
        metadata = await self._metadata.read(request_id)
        if metadata is None or metadata.members or not caller.may_see(metadata.user_id):
            raise not_found(f"submission {request_id!r}")
        return await self._waiting_view(metadata)

    async def moved(self, view: View) -> View:
        """Return a waiting request with its position now."""
        metadata = view.metadata
        if metadata is None:
            return view
        if metadata.awaiting_upload:
            with suppress(ApiError):  # its stream goes on while the bucket is away
                metadata = await self._metadata.read(metadata.request_id) or metadata
        return await self._waiting_view(metadata)

    async def _waiting_view(self, metadata: StoredMetadata) -> View:
        position = await self._queues.position(metadata.queue, metadata.ticket)
        return view_of_metadata(metadata, position)

    async def view_of(self, caller: Caller, row: SubmissionRow) -> View:
        """Make the view of a row; raises as `view`."""
        owner = row.user_id
        if not owner:  # it was rejected before its fields were read
            metadata = await self._metadata.read(row.request_id)
            owner = metadata.user_id if metadata else ""
        if not caller.may_see(owner):
            raise not_found(f"submission {row.request_id!r}")
        return view_of_row(row, owner)

    async def has_row(self, request_id: str) -> bool:
        """Whether a worker has taken a request."""
        return await self._rows.load(request_id) is not None

    async def batch(self, caller: Caller, batch_id: str) -> Batch:
        """
        Find a batch, with its requests in the order in which they were sent.

        Raises:
            ApiError: As `view`.
        """
        metadata, rows = await asyncio.gather(
            self._metadata.read(batch_id),
            self._database.call(lambda: self._reader.batch(batch_id)),
        )
        queue = await self._queue_of(metadata, rows)
        # In a thread: a thousand rows take half a second, in which nothing else would be answered.
        views = await asyncio.to_thread(_members, metadata, rows, queue)
        if not views or not all(caller.may_see(view.user_id) for view in views):
            raise not_found(f"batch {batch_id!r}")
        size = len(metadata.members) if metadata else max(row.batch_size or 0 for row in rows)
        return Batch(
            batch_id=batch_id,
            size=max(size, len(views)),
            finished=sum(view.is_final for view in views),
            submissions=tuple(
                view.document for view in views if isinstance(view.document, Submission)
            ),
        )

    async def _queue_of(
        self, metadata: StoredMetadata | None, rows: Sequence[SubmissionRow]
    ) -> QueuePosition | None:
        """Return what the requests of a batch wait for; None if workers have taken all of them."""
        if metadata is None or len(metadata.members) <= len(rows):
            return None
        return await self._queues.position("", None)


def _members(
    metadata: StoredMetadata | None, rows: Sequence[SubmissionRow], queue: QueuePosition | None
) -> list[View]:
    """Return the views of a batch, by the metadata, and then those that only have a row."""
    by_id = {row.request_id: row for row in rows}
    views = []
    for member in metadata.members if metadata else ():
        row = by_id.pop(member.request_id, None)
        if row is not None:
            views.append(view_of_row(row, member.user_id))
        elif metadata is not None:
            views.append(member_view(metadata, member, queue))
    return [*views, *(view_of_row(row) for row in by_id.values())]
