"""
Replaces the queues of moto 5.2 by ones that behave like SQS; the protocol stays moto's.

- A long poll of moto waits with the lock of the control plane held, so that each other API call
  waits too. Here it releases the lock, and a call that makes a message visible ends the wait.
- A client that closed its connection during a long poll gets no message; moto would hide one.
- A receipt handle is valid until the message is received again. moto deletes by an old handle,
  which hides that two workers have the same job.
- GetQueueAttributes returns the redrive policy in the text that was set, and the redrive-allow
  policy at all; SetQueueAttributes keeps the policy that it does not name. Otherwise Terraform
  plans a change each time, or waits for a policy in vain.
- The URL of a queue of another account is refused; moto takes the queue of the caller's account.
- Messages are checked as by SQS: size in bytes with attributes, characters, number and names.
- StartMessageMoveTask, ListMessageMoveTasks and CancelMessageMoveTask exist.
- CloudWatch has the metrics of the queues.
- The time of a call does not depend on the number of messages; moto scans all of them.

FIFO queues are refused: nothing here needs one.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic, time
from typing import Any
from uuid import uuid4

from moto.cloudwatch.models import MetricDatum
from moto.core.common_models import CloudWatchMetricProvider
from moto.core.responses import ActionResult
from moto.sqs import models, urls
from moto.sqs.exceptions import (
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidParameterValue,
    SQSException,
)
from moto.sqs.models import SQSBackend, sqs_backends
from moto.sqs.responses import SQSResponse

from gradectl.local.control_plane.sqs_errors import ResourceNotFoundError
from gradectl.local.control_plane.sqs_limits import MAX_BYTES, check_message, message_bytes
from gradectl.local.control_plane.sqs_move_tasks import (
    MAX_MESSAGES_PER_SECOND,
    MoveTask,
    TaskStatus,
    source_of,
)
from gradectl.local.control_plane.sqs_queue import (
    LocalMessage,
    LocalQueue,
    find_queue,
    named_queue,
    receive_message,
)

#: Tasks that ListMessageMoveTasks knows.
_KEPT_TASKS = 10
#: A metric is that of a moment that a query up to now includes.
_METRIC_AGE = timedelta(seconds=2)
_DEAD_LETTER_SOURCE = "DeadLetterQueueSourceArn"
_purge_by_moto = SQSBackend.purge_queue


class LocalSQSResponse(SQSResponse):
    """Handles calls as moto does, with stricter checks and with the calls that moto lacks."""

    def call_action(self) -> tuple[int, dict[str, str], str | bytes]:
        """Handle a call after the move tasks have done what they could do until now."""
        for queue in _queues(self.sqs_backend):
            queue.advance_move_tasks(lambda arn: find_queue(self.sqs_backend, arn))
        return super().call_action()

    def _get_queue_name(self) -> str:
        """Return the name in the URL; one that no queue has for the URL of another account."""
        account = str(self._get_param("QueueUrl") or "").rpartition("/")[0].rpartition("/")[2]
        name = str(super()._get_queue_name())
        is_foreign = account.isdigit() and account != self.current_account
        return f"{account}:{name}" if is_foreign else name

    def send_message(self) -> ActionResult:
        """Handle SendMessage."""
        body, attributes = self._get_param("MessageBody"), self._get_param("MessageAttributes", {})
        check_message(body, attributes, self._queue().max_bytes)
        return super().send_message()

    def send_message_batch(self) -> ActionResult:
        """Handle SendMessageBatch: an entry that is refused does not stop the others."""
        entries, refused = self._get_param("Entries", []), []
        size = sum(
            message_bytes(each.get("MessageBody") or "", each.get("MessageAttributes") or {})
            for each in entries
        )
        if size > MAX_BYTES:
            raise BatchRequestTooLong(size)
        for each in list(entries):
            attributes = each.get("MessageAttributes") or {}
            try:
                check_message(each.get("MessageBody"), attributes, self._queue().max_bytes)
            except SQSException as error:
                entries.remove(each)
                refused.append(_failure(each["Id"], error))
        if refused and not entries:
            return ActionResult({"Successful": [], "Failed": refused})
        answer: Any = super().send_message_batch().result
        return ActionResult({**answer, "Failed": [*answer["Failed"], *refused]})

    def receive_message(self) -> ActionResult:
        """Handle ReceiveMessage, with the source of a dead letter."""
        names = {
            *self._get_param("AttributeNames", []),
            *self._get_param("MessageSystemAttributeNames", []),
        }
        answer: Any = super().receive_message().result
        if names & {"All", _DEAD_LETTER_SOURCE}:
            for each in answer.get("Messages", []):
                if source := self._queue().source_of(each["ReceiptHandle"]):
                    each.setdefault("Attributes", {})[_DEAD_LETTER_SOURCE] = source
        return ActionResult(answer)

    def start_message_move_task(self) -> ActionResult:
        """Handle StartMessageMoveTask."""
        source = self._dead_letter_queue(self._get_param("SourceArn"))
        destination = self._get_param("DestinationArn") or ""
        if destination and not find_queue(self.sqs_backend, destination):
            raise _missing_resource("DestinationArn")
        if any(task.status is TaskStatus.RUNNING for task in source.move_tasks):
            raise InvalidParameterValue(
                "There is already a task running. Only one active task is allowed for a source"
                " queue arn at a given time."
            )
        rate = self._get_param("MaxNumberOfMessagesPerSecond")
        if rate is not None and not 1 <= rate <= MAX_MESSAGES_PER_SECOND:
            raise InvalidParameterValue(
                f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must"
                f" be between 1 and {MAX_MESSAGES_PER_SECOND}, if provided."
            )
        task = MoveTask(
            task_id=str(uuid4()),
            source_arn=source.queue_arn,
            destination_arn=destination,
            rate=rate,
            started_at=monotonic(),
            started_ms=int(time() * 1000),
            to_move=source.approximate_number_of_messages,
        )
        source.move_tasks = [task, *source.move_tasks][:_KEPT_TASKS]
        return ActionResult({"TaskHandle": task.handle})

    def list_message_move_tasks(self) -> ActionResult:
        """Handle ListMessageMoveTasks: the newest tasks of a dead-letter queue."""
        source = self._dead_letter_queue(self._get_param("SourceArn"))
        count = self._get_param("MaxResults") or 1
        return ActionResult({"Results": [each.shown() for each in source.move_tasks[:count]]})

    def cancel_message_move_task(self) -> ActionResult:
        """Handle CancelMessageMoveTask."""
        handle = self._get_param("TaskHandle")
        queue = find_queue(self.sqs_backend, source_of(handle))
        tasks = queue.move_tasks if queue else []
        task = next((each for each in tasks if each.handle == handle), None)
        if task is None:
            raise ResourceNotFoundError("Task does not exist.")
        if task.status is not TaskStatus.RUNNING:
            raise SQSException("UnsupportedOperation", "Only active tasks can be cancelled")
        task.status = TaskStatus.CANCELLED
        return ActionResult({"ApproximateNumberOfMessagesMoved": task.moved})

    def _queue(self) -> LocalQueue:
        """Return the queue of this call."""
        return named_queue(self.sqs_backend, self._get_queue_name())

    def _dead_letter_queue(self, arn: str) -> LocalQueue:
        """Return the queue of an ARN that is the dead-letter queue of another one."""
        queue = find_queue(self.sqs_backend, arn)
        if queue is None:
            raise _missing_resource("SourceArn")
        targets = [each.redrive_policy or {} for each in _queues(self.sqs_backend)]
        if all(each.get("deadLetterTargetArn") != arn for each in targets):
            raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
        return queue


class QueueMetrics(CloudWatchMetricProvider):
    """The metrics of AWS/SQS, with their values of now."""

    @staticmethod
    def get_cloudwatch_metrics(account_id: str, region: str) -> list[MetricDatum]:
        """Return the metrics of all queues of an account in a region."""
        timestamp = datetime.now(UTC).replace(tzinfo=None) - _METRIC_AGE
        return [
            MetricDatum(
                "AWS/SQS", name, value, [{"Name": "QueueName", "Value": queue.name}], timestamp
            )
            for queue in _queues(sqs_backends[account_id][region])
            for name, value in queue.metrics().items()
        ]


def patch_sqs() -> None:
    """Install these queues and handlers in this process."""
    changes = {"Queue": LocalQueue, "Message": LocalMessage}
    for name, changed in changes.items():
        setattr(models, name, changed)
    handlers = {
        "receive_message": receive_message,
        "change_message_visibility": _change_message_visibility,
        "change_message_visibility_batch": _change_message_visibility_batch,
        "purge_queue": _purge_queue,
    }
    for name, handler in handlers.items():
        setattr(SQSBackend, name, handler)
    for path in urls.url_paths:
        urls.url_paths[path] = LocalSQSResponse.dispatch


def _change_message_visibility(
    backend: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    """Handle ChangeMessageVisibility."""
    named_queue(backend, queue_name).change_visibility(receipt_handle, int(visibility_timeout))


def _change_message_visibility_batch(
    backend: SQSBackend, queue_name: str, entries: list[dict[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    """Handle ChangeMessageVisibilityBatch: an entry that is refused does not stop the others."""
    if not entries:
        raise EmptyBatchRequest(action="ChangeVisibility")
    changed, refused = [], []
    for each in entries:
        try:
            seconds = int(each["VisibilityTimeout"])
            backend.change_message_visibility(queue_name, each["ReceiptHandle"], seconds)
            changed.append(each["Id"])
        except SQSException as error:
            refused.append(_failure(each["Id"], error))
    return changed, refused


def _purge_queue(backend: SQSBackend, queue_name: str) -> None:
    """Handle PurgeQueue; moto refuses the next one within 60 s."""
    _purge_by_moto(backend, queue_name)
    named_queue(backend, queue_name).store.purge()


def _queues(backend: SQSBackend) -> Iterator[LocalQueue]:
    for queue in list(backend.queues.values()):
        if isinstance(queue, LocalQueue):
            yield queue


def _failure(entry_id: str, error: SQSException) -> dict[str, Any]:
    """Return the entry of an answer for an entry of a batch that was refused."""
    return {"Id": entry_id, "SenderFault": True, "Code": error.code, "Message": error.message}


def _missing_resource(parameter: str) -> ResourceNotFoundError:
    return ResourceNotFoundError(
        f"The resource that you specified for the {parameter} parameter doesn't exist."
    )
