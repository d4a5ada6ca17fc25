"""A client of boto3 for SQS on in-memory queues, with the errors that SQS answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from grader.ports.messages import Outgoing
from grader.testing import MemorySqsQueues

_OPERATIONS = {
    "send": "SendMessage",
    "receive": "ReceiveMessage",
    "delete": "DeleteMessage",
    "hide": "ChangeMessageVisibility",
    "attributes": "GetQueueAttributes",
}


def refusal(call: str, code: str, message: str = "refused") -> ClientError:
    """The exception of botocore for an error that SQS answers."""
    return ClientError({"Error": {"Code": code, "Message": message}}, _OPERATIONS[call])


class MemoryBoto:
    """
    What `SqsClient` calls of boto3.

    Args:
        queues: The queues.
        attributes: Attributes of every queue.
        on_hide: Called after each change of a visibility timeout, with the seconds.
    """

    def __init__(
        self,
        queues: MemorySqsQueues,
        attributes: dict[str, str] | None = None,
        on_hide: Callable[[float], None] = lambda _seconds: None,
    ) -> None:
        self._queues = queues
        self._attributes = attributes or {}
        self._on_hide = on_hide
        self.urls = _Urls()

    def send_message(self, **arguments: Any) -> None:
        """Send; attributes are kept as JSON."""
        attributes = {
            name: json.dumps(value) for name, value in arguments["MessageAttributes"].items()
        }
        delay_ms = arguments["DelaySeconds"] * 1000
        body = arguments["MessageBody"].encode()
        self._queues.send(Outgoing(_name(arguments), body, attributes, delay_ms))

    def receive_message(self, **arguments: Any) -> dict[str, Any]:
        """Receive one message, after a long poll."""
        name = _name(arguments)
        if arguments["WaitTimeSeconds"]:
            self._queues.await_visible([name], arguments["WaitTimeSeconds"])
        found = self._queues.receive(name, arguments["VisibilityTimeout"])
        if found is None:
            return {}
        message = {
            "MessageId": found.message_id,
            "ReceiptHandle": found.handle,
            "Body": found.body.decode(),
            "Attributes": {"ApproximateReceiveCount": str(found.receives), "SentTimestamp": "1000"},
            "MessageAttributes": {name: json.loads(text) for name, text in found.headers.items()},
        }
        return {"Messages": [message]}

    def delete_message(self, **arguments: Any) -> None:
        """Delete."""
        self._queues.delete(_name(arguments), arguments["ReceiptHandle"])

    def change_message_visibility(self, **arguments: Any) -> None:
        """Hide, or make visible."""
        seconds = arguments["VisibilityTimeout"]
        held = self._queues.hide(_name(arguments), arguments["ReceiptHandle"], seconds)
        self._on_hide(seconds)
        if not held:
            raise refusal("hide", "MessageNotInflight")

    def get_queue_attributes(self, **arguments: Any) -> dict[str, Any]:
        """Return the attributes that were given."""
        self._queues.on_call("attributes", _name(arguments))
        return {"Attributes": self._attributes}


class _Urls(dict[str, str]):
    """A URL for every name."""

    def __missing__(self, name: str) -> str:
        return f"http://127.0.0.1/1/{name}"


def _name(arguments: dict[str, Any]) -> str:
    return str(arguments["QueueUrl"]).rpartition("/")[2]
