"""How deliveries of webhooks are shown."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gradectl.submissions.deliveries import delivery_events, delivery_row, state_of
from grader.ports.results import DeliveryStatus, WebhookDelivery

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
DUE = WebhookDelivery(
    delivery_id="msg_1",
    subject="req_1",
    is_batch=False,
    url="https://hooks.example.com/a",
    host="hooks.example.com",
    status=DeliveryStatus.PENDING,
    attempts=0,
    next_attempt_at=NOW,
    last_error="",
    created_at=NOW,
)
FAILED = replace(DUE, attempts=2, last_error="HTTP 500", next_attempt_at=NOW + timedelta(minutes=5))
DELIVERED = replace(
    DUE,
    status=DeliveryStatus.DELIVERED,
    attempts=2,
    next_attempt_at=None,
    delivered_at=NOW + timedelta(seconds=6),
)


@pytest.mark.parametrize(
    ("delivery", "state"),
    [
        (DUE, "due"),
        (FAILED, "again at 12:05:00: HTTP 500"),
        (DELIVERED, "delivered"),
        (replace(DUE, status=DeliveryStatus.DEAD, last_error="gone"), "dead: gone"),
        (replace(DUE, is_batch=True, next_attempt_at=None), "waits for its batch"),
    ],
)
def test_a_state_is_a_few_words(delivery: WebhookDelivery, state: str) -> None:
    """With the reason of a failure."""
    assert state_of(delivery) == state
    assert delivery_row(delivery)["status"] == delivery.status.value


def test_a_delivery_has_its_events() -> None:
    """Its failed attempts are in the log."""
    (stored,) = delivery_events([FAILED])
    delivered, put = delivery_events([DELIVERED])

    assert (stored.at, stored.text) == (
        NOW, "webhook msg_1 to hooks.example.com: again at 12:05:00: HTTP 500"
    )  # fmt: skip
    assert (delivered.at, put.at) == (NOW + timedelta(seconds=6), NOW)
    assert delivered.text.endswith("delivered after 2 attempts")
