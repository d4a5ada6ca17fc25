"""
The interfaces between the worker's decisions and the world.

Each has two implementations: the real one in `grader.adapters` (or `grader.sandbox`) and an
in-memory twin in `grader.testing`; one behaviour suite in tests/ports runs against both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Protocol, TypeVar, runtime_checkable

from grader.contract.messages import JobRequest, JobResult

_Request_contra = TypeVar("_Request_contra", bound=JobRequest, contravariant=True)

# --- Objects ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ObjectInfo:
    """One stored object, as a listing shows it."""

    key: str
    size_bytes: int
    etag: str


class ObjectStore(Protocol):
    """One bucket. Raises `TemporaryError` when the service cannot be reached."""

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Read a whole object; raises `ObjectNotFoundError` or `ObjectTooLargeError`."""
        ...

    def download(self, key: str, target: Path, *, max_bytes: int, etag: str = "") -> None:
        """
        Stream an object into a new file.

        Raises:
            ObjectNotFoundError: There is none.
            ObjectTooLargeError: It is larger than `max_bytes`.
            TemporaryError: Its ETag is no more the one that is given.
        """
        ...

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Write a whole object."""
        ...

    def upload(self, key: str, source: Path, *, content_type: str) -> None:
        """Stream a file into an object, in one piece, so that its ETag is the MD5 of the file."""
        ...

    def list(self, prefix: str) -> Iterable[ObjectInfo]:
        """All objects below a prefix, in key order."""
        ...

    def delete(self, keys: Sequence[str]) -> None:
        """Remove objects; those that are absent do not matter."""
        ...


class ParameterStore(Protocol):
    """Named configuration values."""

    def get_many(self, names: Sequence[str]) -> dict[str, str]:
        """Read all of `names`, decrypted; raises `SettingsError` naming those that are missing."""
        ...


# --- Messages -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Delivery:
    """One message in our hands and not yet acknowledged."""

    queue: str
    message_id: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    redelivered: bool = False
    ack_id: str = ""


@dataclass(frozen=True)
class Outgoing:
    """One persistent message to send."""

    queue: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_ms: int = 0


class JobSource(Protocol):
    """
    The queues one slot works from.

    Raises `ConnectionLostError` from any method, and `AccessError` when we may not do it.
    """

    def receive(self, timeout_seconds: float) -> Delivery | None:
        """Wait for the next message, the priority queue first; None when none came in time."""
        ...

    def settle(
        self,
        delivery: Delivery,
        outgoing: Sequence[Outgoing],
        before_commit: Callable[[], None] = lambda: None,
    ) -> None:
        """Send `outgoing` and acknowledge `delivery`; neither when `before_commit` raises."""
        ...

    def close(self) -> None:
        """Give back what was not settled and leave in good order."""
        ...


# --- Looking into queues ------------------------------------------------------------------------


@dataclass(frozen=True)
class QueueStatistics:
    """What the broker counts for one queue; counters run since the broker started."""

    queue: str
    size: int  # waiting and in flight
    in_flight: int  # with a consumer, not yet acknowledged
    consumers: int
    producers: int
    enqueued: int
    dequeued: int
    expired: int
    taken_at_ms: int  # by the broker's clock
    oldest_ms: int | None = None  # when the first message was sent, where the broker tells

    @property
    def waiting(self) -> int:
        """Messages that no consumer has yet."""
        return max(self.size - self.in_flight, 0)


@dataclass(frozen=True)
class QueuedMessage:
    """One message as it lies in a queue; it stays there."""

    message_id: str
    timestamp_ms: int  # when it was sent, by the broker's clock
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


class QueueInspector(Protocol):
    """
    Looks and never consumes.

    Raises `ConnectionLostError` from any method, and `AccessError` when we may not look.
    """

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Counters of those of `queues` that exist."""
        ...

    def browse(self, queue: str, selector: str = "") -> Sequence[QueuedMessage]:
        """
        One page of a queue in the broker's order; the broker chooses the page's size.

        A queue that does not exist would be created by this: ask for its statistics first.
        """
        ...

    def peek(self, queue: str, count: int) -> Sequence[QueuedMessage]:
        """
        Give the first `count` messages of a queue at most, those in flight among them.

        It costs the same however many there are, and creates a queue as `browse` does.
        """
        ...


# --- Jobs ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Claim:
    """A worker's wish to work on a request."""

    request: JobRequest
    message_id: str  # the original one: it survives a copy
    queue: str
    worker_id: str


@dataclass(frozen=True)
class Granted:
    """Go ahead; this is attempt number `attempt`, counted before the work starts."""

    attempt: int


@dataclass(frozen=True)
class AlreadyFinished:
    """This request has a result; send it again instead of working twice."""

    result: JobResult


@dataclass(frozen=True)
class HeldByAnother:
    """Another message with the same request id is being worked on now."""

    worker_id: str


ClaimOutcome = Granted | AlreadyFinished | HeldByAnother


@dataclass(frozen=True)
class JobRecord:
    """What the database knows of a request."""

    request_id: str
    status: str  # running | completed | failed
    attempts: int
    worker_id: str
    queue: str
    result: JobResult | None


#: When a claim of another message counts as given up: its message may have been purged, and would
#: then hold the request for ever.
ABANDONED_AFTER = timedelta(hours=1)


class JobStore(Protocol):
    """The table of jobs. Raises `TemporaryError` when the database cannot be reached."""

    def claim(self, claim: Claim) -> ClaimOutcome:
        """Count an attempt and take the job, atomically."""
        ...

    def finish(self, result: JobResult) -> None:
        """Store the result of a job, also of one that was refused before it could be claimed."""
        ...

    def get(self, request_id: str) -> JobRecord | None:
        """Read one row."""
        ...

    def delete(self, request_id: str) -> None:
        """Remove one row, if it is there."""
        ...

    def ping(self) -> None:
        """Return when the database answers."""
        ...


# --- Work ---------------------------------------------------------------------------------------


class JobHandler(Protocol[_Request_contra]):
    """What is done with a request, by one slot and on its thread."""

    def __call__(self, request: _Request_contra, /) -> JobResult:
        """
        Do it.

        Raises:
            RequestError: It never can be done; says why.
            TemporaryError: Another attempt may do it.  Whatever else is raised counts as one too.
        """
        ...


@runtime_checkable
class PreparingHandler(JobHandler[_Request_contra], Protocol[_Request_contra]):
    """A handler that can fetch ahead of time what a request will need."""

    def prepare(self, request: _Request_contra, /) -> None:
        """
        Fetch for a request that waits; it may go to another worker, and never come.

        Called on a thread of its own while the handler works on another request.  What it raises
        is logged and hurts no job.
        """
        ...
