"""What the application is made of; tests inject in-memory fakes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from fastapi import APIRouter

from grader.api.auth import Gate
from grader.api.feeds import ResultFeed
from grader.api.protection.stack import ProtectionSettings
from grader.client.submission import MAX_SOURCE_BYTES
from grader.contract.names import DEAD_LETTER_QUEUE, PRIORITY_QUEUE, REQUESTS_QUEUE
from grader.logs import Logger
from grader.ports.messages import MessageSender, QueueInspector
from grader.ports.stores import SubmissionStore
from grader.ports.submissions import SubmissionReader


@dataclass(frozen=True)
class ApiOptions:
    """
    Names and limits.

    Args:
        environment: Name of the environment.
        bucket: Name of the bucket.
        queue: Queue of requests.
        priority_queue: Queue of urgent requests; empty: none.
        dead_letter_queue: Queue of what could not be done.
        queue_url: URL of the queue on SQS; None: a broker is used.
        max_queue: Waiting requests at which new ones are refused; 0: no limit.
        max_waiters: Most callers that wait.
        wait_enabled: Whether `POST /v1/run` may wait.
        max_source_bytes: Size of the largest program, as for the workers.
        senders: Most messages that are sent at the same time.
    """

    environment: str = "local"
    bucket: str = "bucket"
    queue: str = REQUESTS_QUEUE
    priority_queue: str = PRIORITY_QUEUE
    dead_letter_queue: str = DEAD_LETTER_QUEUE
    queue_url: str | None = None
    max_queue: int = 0
    max_waiters: int = 2000
    wait_enabled: bool = True
    max_source_bytes: int = MAX_SOURCE_BYTES
    senders: int = 4

    @property
    def queues(self) -> tuple[str, ...]:
        """The queues that are counted, that of ordinary requests first."""
        names = (self.queue, self.priority_queue, self.dead_letter_queue)
        return tuple(name for name in names if name)

    def queue_of(self, *, priority: bool) -> str:
        """Return the queue of a request."""
        return self.priority_queue if priority and self.priority_queue else self.queue


@dataclass(frozen=True)
class Services:
    """
    What the application calls.

    Args:
        gate: Lets calls in.
        store: The bucket.
        sender: Sends to the queues; called on `options.senders` threads.
        reader: The rows.
        open_inspector: Opens what counts the messages of the queues.
        log: Log of the API.
        protection: Limits of bodies, streams and times, and the origins that may call.
        feed: Pushes results, where that is on.
        check_webhook: Returns why a URL may not receive webhooks; empty if it may.
        on_refusal: Called when a service refused the credentials.
        options: Names and limits.
        routers: More endpoints, such as the page.
    """

    gate: Gate
    store: SubmissionStore
    sender: MessageSender
    reader: SubmissionReader
    open_inspector: Callable[[], AbstractContextManager[QueueInspector]]
    log: Logger
    protection: ProtectionSettings
    feed: ResultFeed | None = None
    check_webhook: Callable[[str], str] = lambda _url: "no host may receive webhooks"
    on_refusal: Callable[[], None] = lambda: None
    options: ApiOptions = field(default_factory=ApiOptions)
    routers: Sequence[APIRouter] = ()
