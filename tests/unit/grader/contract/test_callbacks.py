"""The webhook of a message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grader.contract.callbacks import Callback, readable_callback
from grader.contract.messages import JobRequest, JobResult
from grader.contract.verdicts import Status

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
URL = "https://hooks.example.com/a"


def result(request_id: str = "req_1", at: datetime = NOW) -> JobResult:
    """A result."""
    return JobResult(request_id=request_id, status=Status.COMPLETED, timestamp=at)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({}, None),
        ({"webhookUrl": URL}, Callback(URL)),
        ({"webhookUrl": URL, "batchId": "b"}, Callback(URL)),
        ({"webhookUrl": URL, "batchId": "b", "batchSize": 3}, Callback(URL, "b", 3)),
        ({"webhookUrl": URL, "batchId": 7, "batchSize": 3}, Callback(URL, "7", 3)),
        ({"webhookUrl": URL, "batchId": "../b", "batchSize": 3}, Callback(URL)),
        ({"webhookUrl": URL, "batchId": "b", "batchSize": 0}, Callback(URL)),
        ({"webhookUrl": URL, "batchId": "b", "batchSize": True}, Callback(URL)),
        ({"webhookUrl": 5}, None),
        ({"webhookUrl": ""}, None),
        ({"webhookUrl": "https://a\r\nb/"}, None),
        ({"webhookUrl": "https://" + "a" * 2048}, None),
    ],
)
def test_a_webhook_is_read_as_far_as_it_is_valid(
    fields: dict[str, object], expected: Callback | None
) -> None:
    """Of a message whose other fields may be anything."""
    assert readable_callback(json.dumps(fields).encode()) == expected


def test_a_webhook_with_escaped_letters_is_read() -> None:
    """JSON of other languages may escape any letter."""
    assert readable_callback(rb'{"\u0077ebhookUrl": "https:\/\/h.example\/"}') == Callback(
        "https://h.example/"
    )


@given(st.binary() | st.binary().map(lambda tail: b'{"webhookUrl": ' + tail))
def test_any_body_has_a_webhook_or_none(body: bytes) -> None:
    """Never an exception."""
    assert isinstance(readable_callback(body), Callback | None)


def test_the_model_and_the_reader_agree() -> None:
    """What a claim stores is what is put into the outbox."""
    document = {"requestId": "r", "webhookUrl": URL, "batchId": "b", "batchSize": 2}
    body = json.dumps(document).encode()
    request = JobRequest.from_json(body)

    found = readable_callback(body)

    assert found == Callback(request.webhook_url, request.batch_id, request.batch_size)


def test_the_id_of_a_webhook_names_its_result() -> None:
    """The same for the same result, another for a later one, one for a batch."""
    single, batch = Callback(URL), Callback(URL, "b", 2)
    later = result(at=NOW + timedelta(seconds=1))

    assert single.delivery_id(result()) == single.delivery_id(result())
    assert single.delivery_id(result()) != single.delivery_id(later)
    assert single.delivery_id(result()) != single.delivery_id(result("req_2"))
    assert batch.delivery_id(result()) == batch.delivery_id(result("req_2"))
    assert batch.delivery_id(result()) != Callback(URL, "c", 2).delivery_id(result())
