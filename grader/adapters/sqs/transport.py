"""The queues of an environment on SQS, for a worker."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence

from grader.adapters.sqs.client import LEAST_LIMIT_BYTES, MOST_WAIT_SECONDS, SqsClient
from grader.adapters.sqs.source import VISIBILITY_SECONDS, SqsJobSource
from grader.contract.names import DEAD_LETTER_QUEUE
from grader.errors import ConnectionLostError, SettingsError


class SqsTransport:
    """
    See `grader.ports.transport.Transport`.

    Args:
        client: The queues.
        queues: Names of the request queues, the most urgent first.
        wait_seconds: Longest long poll, 1 to 20.
        visibility_seconds: How long a message is held without `extend`.
        dead_letter_queue: Name of the queue for dead letters.
    """

    name = "sqs"

    def __init__(
        self,
        client: SqsClient,
        queues: Sequence[str],
        *,
        wait_seconds: int = MOST_WAIT_SECONDS,
        visibility_seconds: int = VISIBILITY_SECONDS,
        dead_letter_queue: str = DEAD_LETTER_QUEUE,
    ) -> None:
        self._client = client
        self._queues = tuple(queues)
        self._wait_seconds = wait_seconds
        self._visibility_seconds = visibility_seconds
        self._dead_letter_queue = dead_letter_queue
        self._was_open = threading.Event()

    def open_source(self, consumer: str) -> SqsJobSource:  # noqa: ARG002 - SQS knows no consumers
        """
        Open the request queues for one consumer, after a look at their attributes.

        Args:
            consumer: Not used: SQS does not know its consumers.

        Raises:
            ConnectionLostError: SQS does not answer; or a queue that existed before does not.
            AccessError: The right `sqs:GetQueueAttributes` is missing.
            SettingsError: A queue does not exist, or takes only small messages; or redrive policies
                lead in a circle.
        """
        checked = self._queues if self._was_open.is_set() else tuple(self._client.urls)
        try:
            _check_loop([self._attributes(queue) for queue in checked])
        except SettingsError as error:
            if not self._was_open.is_set():
                raise
            raise ConnectionLostError(error.what, where=error.where) from error
        self._was_open.set()
        return SqsJobSource(
            self._client,
            self._queues,
            wait_seconds=self._wait_seconds,
            visibility_seconds=self._visibility_seconds,
            dead_letter_queue=self._dead_letter_queue,
        )

    def _attributes(self, queue: str) -> dict[str, str]:
        found = self._client.attributes(queue)
        limit = int(found.get("MaximumMessageSize", LEAST_LIMIT_BYTES))
        if limit < LEAST_LIMIT_BYTES:
            raise SettingsError(
                f"the queue takes messages of at most {limit} bytes",
                where=self._client.urls[queue],
                next_step=f"set MaximumMessageSize to {LEAST_LIMIT_BYTES} or more",
            )
        return found

    def open_inspector(self) -> None:
        """Return None: SQS cannot show a message without receiving it."""
        return


def _check_loop(queues: Sequence[Mapping[str, str]]) -> None:
    """Refuse redrive policies that lead back to a queue: its messages would never be received."""
    targets = {each.get("QueueArn", ""): _redrive_target(each) for each in queues}
    for first, target in targets.items():
        passed, arn = [first], target
        while arn and arn not in passed:
            passed.append(arn)
            arn = targets.get(arn, "")
        if arn:
            raise SettingsError(
                f"the redrive policies lead in a circle: {' -> '.join([*passed, arn])}",
                where=first,
                next_step="remove the redrive policy of the dead-letter queue",
            )


def _redrive_target(attributes: Mapping[str, str]) -> str:
    try:
        return str(json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"])
    except (KeyError, TypeError, ValueError):
        return ""
