"""Describes deliveries of webhooks for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from gradectl.submissions.trace import Event
from grader.ports.results import DeliveryStatus, WebhookDelivery


def state_of(delivery: WebhookDelivery) -> str:
    """Return the state in a few words, with the reason of a failure."""
    if delivery.status is DeliveryStatus.DELIVERED:
        return "delivered"
    if delivery.status is DeliveryStatus.DEAD:
        return f"dead: {delivery.last_error}"
    if delivery.is_waiting:
        return "waits for its batch"
    if not delivery.attempts or delivery.next_attempt_at is None:
        return "due"
    moment = delivery.next_attempt_at.strftime("%H:%M:%S")
    return f"again at {moment}: {delivery.last_error}"


def delivery_row(delivery: WebhookDelivery) -> dict[str, Any]:
    """Return a delivery for programs."""
    return {
        "delivery_id": delivery.delivery_id,
        "subject": delivery.subject,
        "is_batch": delivery.is_batch,
        "url": delivery.url,
        "status": delivery.status.value,
        "waits_for_batch": delivery.is_waiting,
        "attempts": delivery.attempts,
        "next_attempt_at": delivery.next_attempt_at,
        "last_error": delivery.last_error,
        "created_at": delivery.created_at,
        "delivered_at": delivery.delivered_at,
    }


def delivery_events(deliveries: Sequence[WebhookDelivery]) -> list[Event]:
    """Return what happened to webhooks; each failed attempt is a line of the log."""
    events = []
    for each in deliveries:
        what = f"webhook {each.delivery_id} to {each.host or each.url}"
        text = f"{what}: {state_of(each)}"
        if each.delivered_at is not None:
            count = "1 attempt" if each.attempts == 1 else f"{each.attempts} attempts"
            events.append(Event(each.delivered_at, "webhook", f"{what} delivered after {count}"))
            text = f"{what} put into the outbox"
        events.append(Event(each.created_at, "webhook", text))
    return events
