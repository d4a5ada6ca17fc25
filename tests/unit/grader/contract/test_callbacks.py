"""The webhook of a message."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

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
        ({"webhookUrl": URL, "batchId": "b", "batchSize": "3"}, Callback(URL, "b", 3)),
        ({"webhookUrl": URL, "batchId": "b", "batchSize": 3.0}, Callback(URL, "b", 3)),
        ({"webhookUrl": URL, "batchId": "week 3", "batchSize": 3}, Callback(URL)),
        ({"webhookUrl": URL, "batchId": "b", "batchSize": 1001}, Callback(URL)),
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


_VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_FIELDS = st.fixed_dictionaries(
    {},
    optional={
        "webhookUrl": st.just(URL) | _VALUES,
        "batchId": st.just("b") | _VALUES,
        "batchSize": st.integers(0, 1001) | st.sampled_from(["2", 2.0]) | _VALUES,
    },
)


@given(_FIELDS)
@example({"webhookUrl": "https://" + "a" * 2048, "batchId": "week 3", "batchSize": 0})
def test_a_wrong_webhook_refuses_no_request(fields: dict[str, object]) -> None:
    """It is absent; what a claim stores is what is put into the outbox."""
    body = json.dumps({"requestId": "r", **fields}).encode()

    request = JobRequest.from_json(body)

    found = readable_callback(body)
    assert (found and found.url) == request.webhook_url
    if found is not None and found.batch_id is not None:
        assert (found.batch_id, found.batch_size) == (request.batch_id, request.batch_size)


def test_our_own_code_gets_an_error() -> None:
    """Nothing is left out of a request that a client of ours makes."""
    with pytest.raises(ValidationError):
        JobRequest(request_id="r", batch_id="week 3")


def test_the_id_of_a_webhook_names_its_result() -> None:
    """The same for the same result, another for a later one, one for a batch."""
    single, batch = Callback(URL), Callback(URL, "b", 2)
    later = result(at=NOW + timedelta(seconds=1))

    assert single.delivery_id(result()) == single.delivery_id(result())
    assert single.delivery_id(result()) != single.delivery_id(later)
    assert single.delivery_id(result()) != single.delivery_id(result("req_2"))
    assert batch.delivery_id(result()) == batch.delivery_id(result("req_2"))
    assert batch.delivery_id(result()) != Callback(URL, "c", 2).delivery_id(result())
    assert batch.delivery_id(result()) != Callback(f"{URL}b", "b", 2).delivery_id(result())
