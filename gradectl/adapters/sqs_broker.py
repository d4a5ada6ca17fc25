"""The queues of an environment that uses Amazon SQS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from time import monotonic, sleep
from typing import Any, NoReturn

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.queues import Queues
from gradectl.adapters.sqs_held import HeldMessages
from gradectl.errors import GradectlError, PermissionDeniedError, UsageError
from gradectl.queues.broker import MoveTask
from grader.adapters.sqs.addresses import QueueUrls
from grader.adapters.sqs.bodies import BodyStore
from grader.adapters.sqs.client import MOST_AT_ONCE, ReceivedMessage, SqsClient
from grader.adapters.sqs.inspection import SqsQueueInspector
from grader.contract.bucket import LARGE_RESULTS_PREFIX
from grader.contract.names import (
    DEAD_LETTER_QUEUE,
    ORIGINAL_QUEUE_HEADER,
    PRIORITY_QUEUE,
    REQUESTS_QUEUE,
    RESULTS_QUEUE,
    TransportName,
    parameter_name,
)
from grader.errors import SettingsError
from grader.ports.messages import DelayedMessage, Outgoing, QueuedMessage, QueueStatistics

#: The key of the parameter with the URL of each queue.
_KEYS = {
    REQUESTS_QUEUE: "requests-url",
    PRIORITY_QUEUE: "priority-url",
    RESULTS_QUEUE: "results-url",
    DEAD_LETTER_QUEUE: "dead-letter-url",
}
#: The header in which a broker says why a message is a dead letter.
_CAUSE_HEADER = "dlqDeliveryFailureCause"
#: New messages that `SqsInspector.sent_since` receives at once.
_MOST_ARRIVED = 50
#: How long a watch hides the messages that it receives, and how long it waits for one.
_WATCH_SECONDS = 30
_POLL_SECONDS = 10
#: How long a watch pauses after it has received only messages of others, which it returns.
_PAUSE_SECONDS = 1.0


def read_urls(aws: Aws, environment: str) -> dict[str, str]:
    """
    Read the URLs of the queues from SSM.

    Args:
        aws: The account.
        environment: The environment.

    Returns:
        URL by queue, of those that exist; empty for an environment without queues of SQS.
    """
    names = {queue: parameter_name(environment, "sqs", key) for queue, key in _KEYS.items()}
    found = aws.parameters_if_any(list(names.values()))
    return {queue: found[name] for queue, name in names.items() if name in found}


def open_queues(aws: Aws, environment: str, urls: Mapping[str, str], bucket: str) -> SqsBroker:
    """
    Open the queues of an environment.

    Args:
        aws: The account.
        environment: The environment.
        urls: URL by queue, of `read_urls`.
        bucket: The bucket of the environment, for messages that are too large for SQS.

    Raises:
        SettingsError: A URL is invalid, or of another region.
    """
    addresses = _Addresses(QueueUrls(urls, aws.settings.region), environment, aws.queues)

    def open_bodies() -> BodyStore:
        return BodyStore(aws.object_store(bucket), bucket, LARGE_RESULTS_PREFIX)

    return SqsBroker(aws.sqs(addresses, open_bodies), aws.queues)


class _Addresses(Mapping[str, str]):
    """The URLs of an environment; those of further queues are looked up by their names."""

    def __init__(self, known: Mapping[str, str], environment: str, queues: Queues) -> None:
        self._known = dict(known)
        self._environment = environment
        self._queues = queues

    def __getitem__(self, name: str) -> str:
        if name not in self._known:
            url = None if name in _KEYS else self._find(name)  # those of _KEYS have a parameter
            if url is None:
                raise KeyError(name)
            self._known[name] = url
        return self._known[name]

    def _find(self, name: str) -> str | None:
        """Look for a queue; IAM refuses to say of one without rights whether it exists."""
        try:
            url = self._queues.url(f"{self._environment}-{name}")
        except PermissionDeniedError:
            url = None
        return url or self._queues.url(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)


class SqsBroker:
    """
    See `gradectl.queues.broker.Broker`.

    Args:
        client: The queues by name.
        queues: Calls in batches, and about whole queues.
    """

    transport = TransportName.SQS

    def __init__(self, client: SqsClient, queues: Queues) -> None:
        self._client = client
        self._queues = queues
        self._held: dict[str, HeldMessages] = {}

    @cached_property
    def inspector(self) -> SqsInspector:
        """Counts the messages of queues."""
        return SqsInspector(self._client, self._queues, self._held)

    @property
    def urls(self) -> Mapping[str, str]:
        """The URLs of the queues used so far, by name."""
        return self._client.urls

    @property
    def holder(self) -> SqsBroker:
        """This object."""
        return self

    def further_queues(self) -> dict[str, int]:
        """None: other queues stay."""
        return {}

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one message; returns after SQS has stored it."""
        self._client.send(Outgoing(queue, body, headers))

    def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Send messages in batches; there are no transactions."""
        by_queue: dict[str, list[Outgoing]] = {}
        for message in messages:
            self.url(message.queue)
            by_queue.setdefault(message.queue, []).append(message)
        for queue, group in by_queue.items():
            self._queues.send(self.url(queue), group, self._client.fitting)

    @contextmanager
    def watch(self, queue: str, correlation_id: str) -> Iterator[SqsWatch]:
        """Receive the messages of one correlation id; others are received too, and returned."""
        self.url(queue)

        def open_held() -> HeldMessages:
            return HeldMessages(self._client, self._queues, queue, hold_seconds=_WATCH_SECONDS)

        yield SqsWatch(open_held, correlation_id)

    @contextmanager
    def mover(self) -> Iterator[SqsMover]:
        """Move messages that are held."""
        yield SqsMover(self, self._held)

    @contextmanager
    def hold(
        self, queue: str, most: int, report: Callable[[int], object] = lambda _count: None
    ) -> Iterator[Sequence[QueuedMessage]]:
        """Receive the messages of a queue, and hold them for the block."""
        held = HeldMessages(self._client, self._queues, queue)
        try:
            held.start()
            self._held[queue] = held
            held.fill(most, report)
            yield [_queued(each, self._client.urls) for each in held.messages()]
        finally:
            self._held.pop(queue, None)
            held.release()

    def most_receipts(self, queue: str) -> int | None:
        """Read the redrive policy of a queue."""
        policy = json.loads(self._client.attributes(queue).get("RedrivePolicy") or "{}")
        most = policy.get("maxReceiveCount")
        return None if most is None else int(most)

    @property
    def whole(self) -> SqsBroker:
        """This object."""
        return self

    def purge(self, queue: str) -> None:
        """Have SQS delete all messages of a queue."""
        self._queues.purge(self.url(queue))

    def start_move(self, source: str, destination: str, rate: int | None) -> None:
        """Have SQS move all messages of a dead-letter queue."""
        to = self._arn(destination) if destination else ""
        self._queues.start_move(self._arn(source), to, rate)

    def latest_move(self, source: str) -> MoveTask | None:
        """Read the latest task that moves messages of a queue."""
        found = self._queues.moves(self._arn(source))
        return _task(found[0]) if found else None

    def cancel_move(self, source: str) -> int | None:
        """Cancel the running task of a queue."""
        tasks = self._queues.moves(self._arn(source))
        handle = next((str(each["TaskHandle"]) for each in tasks if each.get("TaskHandle")), "")
        return self._queues.cancel_move(handle) if handle else None

    def _arn(self, queue: str) -> str:
        self.url(queue)
        return self._client.attributes(queue)["QueueArn"]

    def url(self, queue: str) -> str:
        """
        Return the URL of a queue.

        Raises:
            SettingsError: There is no such queue.
        """
        try:
            return self._client.urls[queue]
        except KeyError:
            raise SettingsError(
                f"queue {queue!r} not found", where="Amazon SQS", next_step="gradectl queue list"
            ) from None


class SqsInspector:
    """
    See `gradectl.queues.broker.Inspector`.

    Args:
        client: The queues by name.
        queues: Calls about whole queues.
        held: The messages that are held, by queue.
    """

    can_browse = False

    def __init__(self, client: SqsClient, queues: Queues, held: Mapping[str, HeldMessages]) -> None:
        self._client = client
        self._queues = queues
        self._held = held
        self.age_failure = ""

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """
        Read the approximate counters of those `queues` that exist.

        The age of the oldest message is of CloudWatch; it is absent where that has none.
        """
        found = SqsQueueInspector(self._client).statistics(queues)
        names = {queue: _name(self._client.urls[queue]) for queue in found}
        ages = self._ages(list(names.values()))
        return {
            queue: _with_age(counters, ages.get(names[queue])) for queue, counters in found.items()
        }

    def _ages(self, names: Sequence[str]) -> dict[str, float]:
        """Read ages; without the right to read metrics they are unknown."""
        self.age_failure = ""
        if not names:
            return {}
        try:
            return self._queues.oldest_seconds(names)
        except GradectlError as error:
            self.age_failure = error.what
            return {}

    def browse(self, queue: str, selector: str = "") -> NoReturn:  # noqa: ARG002 - the port's
        """Refuse it."""
        raise _no_browsing(queue)

    def peek(self, queue: str, count: int, selector: str = "") -> NoReturn:  # noqa: ARG002 - the port's
        """Refuse it."""
        raise _no_browsing(queue)

    def sent_since(self, queue: str, since_ms: int) -> list[QueuedMessage]:  # noqa: ARG002 - the port's
        """Receive and hold what has arrived in a queue that is held, and return what is held."""
        held = self._held.get(queue)
        if held is None:
            return []
        for _ in range(_MOST_ARRIVED // MOST_AT_ONCE):
            if not held.receive(MOST_AT_ONCE, 0):
                break
        return [_queued(each, self._client.urls) for each in held.messages()]

    def delayed(self, most: int) -> list[DelayedMessage]:  # noqa: ARG002 - the port's
        """Return none: SQS delays a retry in its own queue, where it cannot be read."""
        return []


class SqsMover:
    """
    See `grader.ports.messages.QueueMover`; each message has to be held.

    SQS has no transactions. A message is deleted after its copy was sent, so that an interruption
    may leave it in both queues, and never in none.

    Args:
        broker: Sends the copies.
        held: The messages that are held, by queue.
    """

    def __init__(self, broker: SqsBroker, held: Mapping[str, HeldMessages]) -> None:
        self._broker = broker
        self._held = held

    def replace(
        self,
        queue: str,
        message_ids: Sequence[str],
        make: Callable[[Sequence[QueuedMessage]], Sequence[Outgoing]],
    ) -> list[str]:
        """Send copies of messages and delete them, ten at a time."""
        held = self._held.get(queue)
        done: list[str] = []
        for start in range(0, len(message_ids), MOST_AT_ONCE) if held else ():
            chosen = held.safe(message_ids[start : start + MOST_AT_ONCE]) if held else []
            self._broker.send_all(make([_queued(each, self._broker.urls) for each in chosen]))
            done += [each.message_id for each in held.delete(chosen)] if held else []
        return done


class SqsWatch:
    """
    See `gradectl.queues.broker.Watch`.

    Args:
        open_held: Makes the object that holds the messages of one receipt.
        correlation_id: Of the messages to take.
    """

    def __init__(self, open_held: Callable[[], HeldMessages], correlation_id: str) -> None:
        self._open_held = open_held
        self._correlation_id = correlation_id

    def take(self, timeout_seconds: float) -> bytes | None:
        """Receive until a message of the correlation id comes; the others are returned at once."""
        deadline = monotonic() + timeout_seconds
        while True:
            left = max(deadline - monotonic(), 0)
            held = self._open_held()
            try:
                held.receive(MOST_AT_ONCE, min(int(left), _POLL_SECONDS))
                own = [each for each in held.messages() if self._is_own(each)]
                if own:
                    held.delete(own[:1])
                    return own[0].body
            finally:
                held.release()
            left = deadline - monotonic()
            if left <= 0:
                return None
            sleep(min(left, _PAUSE_SECONDS))

    def _is_own(self, message: ReceivedMessage) -> bool:
        return message.headers.get("correlation-id") == self._correlation_id


def _queued(message: ReceivedMessage, urls: Mapping[str, str]) -> QueuedMessage:
    """Convert a message; of a dead letter of SQS itself, headers say where it came from and why."""
    headers = dict(message.headers)
    if message.source_arn:
        source = message.source_arn.rpartition(":")[2]
        names = (name for name, url in urls.items() if _name(url) == source)
        headers.setdefault(ORIGINAL_QUEUE_HEADER, next(names, source))
        headers.setdefault(_CAUSE_HEADER, "received too often (redrive policy of its queue)")
    return QueuedMessage(message.message_id, message.sent_ms, message.body, headers)


def _name(url: str) -> str:
    """Return the name of a queue in AWS."""
    return url.rpartition("/")[2]


def _task(found: Mapping[str, Any]) -> MoveTask:
    to_move = found.get("ApproximateNumberOfMessagesToMove")
    return MoveTask(
        status=str(found.get("Status", "")),
        moved=int(found.get("ApproximateNumberOfMessagesMoved", 0)),
        to_move=None if to_move is None else int(to_move),
        failure=str(found.get("FailureReason", "")),
    )


def _with_age(counters: QueueStatistics, oldest_seconds: float | None) -> QueueStatistics:
    if oldest_seconds is None:
        return counters
    return replace(counters, oldest_ms=counters.taken_at_ms - int(oldest_seconds * 1000))


def _no_browsing(queue: str) -> UsageError:
    return UsageError(
        "Amazon SQS cannot show messages without receiving them",
        where=queue,
        next_step=f"gradectl queue inspect {queue} --sample N receives some, and returns them",
    )
