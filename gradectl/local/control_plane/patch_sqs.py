"""
Makes the SQS of moto 5.2 usable by clients that wait for messages, and by Terraform.

- A long poll of moto waits with the lock of the control plane held, so that each other API call
  waits too. Here it releases the lock, and a call that makes a message visible ends the wait.
- A client that closed its connection during a long poll gets no message; moto would hide one.
- GetQueueAttributes returns the redrive policy in the text that was set, and the redrive-allow
  policy at all. Otherwise Terraform plans a change each time, or waits for the policy in vain.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from time import monotonic
from typing import Any

from moto.sqs import models
from moto.sqs.models import Message, Queue, SQSBackend

from gradectl.local.control_plane.call_lock import QUEUES_CHANGED

#: Returns whether the client of the current call still waits for its answer.
client_waits: ContextVar[Callable[[], bool]] = ContextVar("client_waits", default=lambda: True)

#: A message also becomes visible by time: a wait looks again this often.
_LOOK_SECONDS = 0.1
_KEPT_TEXTS = {"RedrivePolicy": "redrive_text", "RedriveAllowPolicy": "redrive_allow_policy"}
_receive_at_once = SQSBackend.receive_message
_change_visibility_silently = SQSBackend.change_message_visibility


class TextKeepingQueue(Queue):
    """A queue that returns its redrive policies in the text that was set."""

    BASE_ATTRIBUTES = [*Queue.BASE_ATTRIBUTES, "RedriveAllowPolicy"]  # noqa: RUF012 - as moto has it
    redrive_text: str | None = None
    redrive_allow_policy: str | None = None

    def _set_attributes(self, attributes: dict[str, Any], now: float | None = None) -> None:
        super()._set_attributes(attributes, now)
        for name, kept in _KEPT_TEXTS.items():
            if name in attributes:
                setattr(self, kept, attributes[name] or None)

    def add_message(self, message: Message) -> None:
        """Store a message, and end the waits for one."""
        super().add_message(message)
        with QUEUES_CHANGED:
            QUEUES_CHANGED.notify_all()

    @property
    def attributes(self) -> dict[str, Any]:
        """All attributes, as GetQueueAttributes returns them."""
        found: dict[str, Any] = super().attributes
        return {**found, "RedrivePolicy": self.redrive_text}


def patch_sqs() -> None:
    """Install the changed queues in this process."""
    models.Queue = TextKeepingQueue  # type: ignore[misc]  # the class that moto creates
    handlers = {
        "receive_message": _receive_message,
        "change_message_visibility": _change_visibility,
    }
    for name, handler in handlers.items():
        setattr(SQSBackend, name, handler)


def _receive_message(  # noqa: PLR0913, PLR0917 - the signature of moto
    backend: SQSBackend,
    queue_name: str,
    count: int,
    wait_seconds_timeout: int,
    visibility_timeout: int,
    message_attribute_names: list[str] | None = None,
) -> list[Message]:
    """Handle ReceiveMessage; a long poll releases the lock between its looks."""
    is_waiting, end = client_waits.get(), monotonic() + wait_seconds_timeout
    with QUEUES_CHANGED:
        while is_waiting():
            found = _receive_at_once(
                backend, queue_name, count, 0, visibility_timeout, message_attribute_names
            )
            left = end - monotonic()
            if found or left <= 0:
                return found
            QUEUES_CHANGED.wait(min(left, _LOOK_SECONDS))
    return []


def _change_visibility(
    backend: SQSBackend, queue_name: str, receipt_handle: str, visibility_timeout: int
) -> None:
    """Handle ChangeMessageVisibility; a timeout of 0 makes the message visible at once."""
    _change_visibility_silently(backend, queue_name, receipt_handle, visibility_timeout)
    with QUEUES_CHANGED:
        QUEUES_CHANGED.notify_all()
