"""Each outcome of a request message, settled."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.contract.callbacks import Callback
from grader.contract.messages import Failure, Grade, GradingResult, JobResult
from grader.contract.names import (
    ATTEMPT_HEADER,
    EXPIRES_HEADER,
    FIRST_SEEN_HEADER,
    ORIGINAL_ID_HEADER,
    ORIGINAL_QUEUE_HEADER,
    REASON_CODE_HEADER,
    REASON_HEADER,
    REJUDGING_HEADER,
)
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import RequestError
from grader.ports.jobs import JobRecord
from grader.ports.messages import Delivery
from grader.webhooks.guard import HostRules
from grader.worker.copies import is_expired, original_id
from grader.worker.settlement import (
    AlreadyDone,
    DeliveryPolicy,
    Done,
    Exhausted,
    Outcome,
    Rejected,
    Retry,
    Settlement,
    settle,
    superseded,
)

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
POLICY = DeliveryPolicy("bucket", "results", "dlq", max_attempts=3, retry_delay_ms=5000)
BROKEN = RequestError(ErrorCode.INVALID_REQUEST, "timeLimit: too small")


def delivery(**headers: str) -> Delivery:
    """A message as the broker delivers it."""
    usual = {"message-id": "ID:7", "ack": "a", "timestamp": "1", "expires": "0"}
    return Delivery("requests", "ID:7", b"\xff body", {**usual, **headers}, ack_id="a")


def completed() -> GradingResult:
    """An accepted submission."""
    grade = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)
    return GradingResult(request_id="req_1", status=Status.COMPLETED, result=grade, timestamp=NOW)


def settled_as(outcome: Outcome, message: Delivery | None = None) -> Settlement:
    """Settle an outcome of a message."""
    return settle(outcome, message or delivery(), POLICY, NOW)


def row(result: GradingResult | None) -> JobRecord:
    """The row of a request that an earlier message claimed."""
    status = "completed" if result else "running"
    return JobRecord("req_1", status, 1, "worker", "requests", result)


def test_graded_request_is_answered_and_stored() -> None:
    """One message on the result queue, found by the request's id, and one row."""
    settled = settled_as(Done(completed(), 2))

    (message,) = settled.outgoing
    assert (message.queue, message.body) == ("results", completed().to_json())
    assert message.headers["correlation-id"] == "req_1"
    assert (settled.record, settled.attempt, settled.failed) == (completed(), 2, False)


@pytest.mark.parametrize(
    "outcome",
    [
        Done(completed(), 2),
        AlreadyDone(completed()),
        Rejected(BROKEN, "req_1"),
        Rejected(BROKEN, "req_1", known=row(completed())),
        Exhausted("req_1", "reason", attempt=3, made=3),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
def test_every_result_message_ages_and_no_dead_letter_does(outcome: Outcome) -> None:
    """By the setting; 0 is never."""
    ageing = replace(POLICY, result_expiry_seconds=60)

    messages = {each.queue: each for each in settle(outcome, delivery(), ageing, NOW).outgoing}
    others = settled_as(outcome).outgoing

    over = (NOW + timedelta(seconds=60)).timestamp() * 1000
    assert messages["results"].headers["expires"] == str(round(over))
    assert "dlq" not in messages or "expires" not in messages["dlq"].headers
    assert not [each for each in others if "expires" in each.headers]


def test_known_result_is_sent_and_not_stored_again() -> None:
    """A stored result stands as it is."""
    settled = settled_as(AlreadyDone(completed()))

    assert settled.outgoing == settled_as(Done(completed(), 2)).outgoing
    assert settled.record is None


def test_stored_failure_of_an_unsettled_message_is_dead_lettered_again() -> None:
    """Its transaction was rolled back, the dead letter with it; a duplicate has none of its own."""
    rejected = settled_as(Rejected(BROKEN, "req_1"))
    assert rejected.record is not None

    again = settled_as(AlreadyDone(rejected.record, unsettled=True))
    duplicate = settled_as(AlreadyDone(rejected.record))

    assert again.outgoing == rejected.outgoing
    assert duplicate.outgoing == rejected.outgoing[:1]
    accepted = settled_as(AlreadyDone(completed(), unsettled=True))
    assert accepted == settled_as(AlreadyDone(completed()))


def test_failure_that_a_handler_returns_is_dead_lettered_at_once_as_when_redelivered() -> None:
    """As every failure; operators find it on one queue."""
    error = Failure(code=ErrorCode.INVALID_REQUEST, message="no such camera")
    result = JobResult(request_id="req_1", status=Status.FAILED, error=error, timestamp=NOW)

    settled = settled_as(Done(result, 1))

    answer, dead = settled.outgoing
    assert (answer.queue, answer.body) == ("results", result.to_json())
    assert (dead.queue, dead.headers[REASON_HEADER]) == ("dlq", "no such camera")
    assert settled.record == result
    assert settled_as(AlreadyDone(result, unsettled=True)).outgoing == settled.outgoing


def test_rejected_request_fails_and_is_dead_lettered_in_one() -> None:
    """The failure is answered, stored, and dead-lettered with its reason for operators."""
    settled = settled_as(Rejected(BROKEN, "req_1"))

    answer, dead = settled.outgoing
    assert json.loads(answer.body) == {
        "requestId": "req_1",
        "status": "failed",
        "error": {
            "code": "INVALID_REQUEST",
            "message": "timeLimit: too small",
            "fault": "submission",
        },
        "resultFile": "s3://bucket/results/req_1/result.json",
        "timestamp": "2024-08-20T12:00:15Z",
    }
    assert (dead.queue, dead.body) == ("dlq", b"\xff body")
    assert dead.headers[REASON_CODE_HEADER] == "INVALID_REQUEST"
    assert dead.headers[REASON_HEADER] == "timeLimit: too small"
    assert settled.failed


def invalid(body: bytes, **headers: str) -> Settlement:
    """Settle a message without a valid request id."""
    message = Delivery("requests", "ID:7", body, headers, ack_id="a")
    return settled_as(Rejected(BROKEN, None), message)


@pytest.mark.parametrize(
    ("settled", "answered"),
    [
        (invalid(b"not JSON", **{"correlation-id": "job 7"}), "job 7"),
        (invalid(b'{"requestId": "../7"}', **{"correlation-id": "job 7"}), "job 7"),
        (invalid(b'{"requestId": "../7"}'), "../7"),
        (invalid(b'{"requestId": "../7"}', **{"correlation-id": ""}), "../7"),
        (invalid(b'{"requestId": -7}'), "-7"),
        (invalid(b'{"requestId": "a\\r\\nb\\u001b[2J"}'), "a��b�[2J"),
        (invalid(b'{"requestId": "\\ud800"}'), "�"),
        (invalid(b'{"requestId": "%s"}' % (b"a" * 300)), "a" * 255),
    ],
)
def test_invalid_id_is_answered_by_correlation_id(settled: Settlement, answered: str) -> None:
    """The producer finds it; nothing is stored under such an id, in the table or in the bucket."""
    answer, dead = settled.outgoing
    document = json.loads(answer.body)

    assert answer.headers["correlation-id"] == document["requestId"] == answered
    assert (document["status"], document["error"]["code"]) == ("failed", "INVALID_REQUEST")
    assert "resultFile" not in document
    assert dead.queue == "dlq"
    assert (settled.record, settled.failed) == (None, False)


@given(st.text(), st.binary())
def test_any_invalid_message_is_settled(correlation: str, body: bytes) -> None:
    """No header and no body of a producer stops a worker, or ends a line of a header."""
    *answers, dead = invalid(body, **{"correlation-id": correlation}).outgoing

    assert dead.body == body
    assert bool(answers) >= bool(correlation)
    for answer in answers:
        assert answer.headers["correlation-id"].isprintable()
        answer.headers["correlation-id"].encode()


def test_message_without_any_id_is_dead_lettered_only() -> None:
    """There is no one to answer."""
    settled = settled_as(Rejected(BROKEN, None))

    assert [message.queue for message in settled.outgoing] == ["dlq"]
    assert settled.record is None


def test_rejection_of_a_known_request_keeps_its_row() -> None:
    """The stored result is sent again when there is one; the row is not touched."""
    known = settled_as(Rejected(BROKEN, "req_1", row(completed())))
    running = settled_as(Rejected(BROKEN, "req_1", row(None)))

    assert [message.queue for message in known.outgoing] == ["results", "dlq"]
    assert [message.queue for message in running.outgoing] == ["dlq"]
    assert (known.record, running.record) == (None, None)


def test_retried_message_comes_again_later_in_its_own_queue() -> None:
    """The copy keeps body and identity, so that the claim recognises it."""
    settled = settled_as(Retry(attempt=2, reason="TemporaryError: bucket: SlowDown"))

    (copy,) = settled.outgoing
    assert (copy.queue, copy.body) == ("requests", b"\xff body")
    assert copy.headers == {
        FIRST_SEEN_HEADER: "2024-08-20T12:00:15Z",
        REASON_HEADER: "TemporaryError: bucket: SlowDown",
        ORIGINAL_ID_HEADER: "ID:7",
        ORIGINAL_QUEUE_HEADER: "requests",
        ATTEMPT_HEADER: "2",
    }


def test_a_transport_may_know_when_a_message_was_first_received() -> None:
    """On SQS a retry makes no copy, so a dead letter has the time from the transport."""
    known = Delivery("requests", "id", b"{}", {}, first_received_ms=1_724_155_000_999)

    (dead,) = settle(Rejected(BROKEN, None), known, POLICY, NOW).outgoing

    assert dead.headers[FIRST_SEEN_HEADER] == "2024-08-20T11:56:40Z"


def test_copy_of_a_copy_keeps_the_first_identity() -> None:
    """However often a request is retried, it stays the same request from the same queue."""
    first = settled_as(Retry()).outgoing[0]
    again = Delivery("elsewhere", "ID:9", first.body, first.headers)

    second, dead = (
        settle(outcome, again, POLICY, NOW + timedelta(hours=1)).outgoing[0]
        for outcome in (Retry(), Rejected(BROKEN, None))
    )

    assert original_id(again) == "ID:7"
    assert second.headers[ORIGINAL_QUEUE_HEADER] == "requests"
    assert second.headers[FIRST_SEEN_HEADER] == dead.headers[FIRST_SEEN_HEADER]
    assert dead.headers[FIRST_SEEN_HEADER] == "2024-08-20T12:00:15Z"
    assert second.queue == "elsewhere"


def test_exhausted_request_tells_users_less_than_operators() -> None:
    """The internal reason is on the dead letter only."""
    settled = settled_as(Exhausted("req_1", "launcher: EPERM", 3, made=3))

    answer, dead = settled.outgoing
    assert b"EPERM" not in answer.body
    assert settled.record.error.code == ErrorCode.INTERNAL_ERROR
    assert dead.headers[REASON_HEADER] == "launcher: EPERM"
    assert dead.headers[ATTEMPT_HEADER] == "3"


def test_a_result_belongs_to_its_attempt() -> None:
    """The row is fenced by it; 0 is a request rejected before its claim."""
    settled = [
        settled_as(outcome).attempt
        for outcome in (
            Done(completed(), 2),
            Rejected(BROKEN, "req_1", attempt=2),
            Rejected(BROKEN, "req_1"),
            Exhausted("req_1", "launcher: EPERM", 3, made=3),
        )
    ]

    assert settled == [2, 2, 0, 3]


def test_superseded_attempt_is_answered_with_the_stored_result() -> None:
    """Or waits for it, when the later attempt still runs or its row was deleted."""
    stored = row(completed())
    assert superseded(stored, "ID:1") == AlreadyDone(completed())
    taken_over = replace(stored, message_id="ID:1")  # that of a worker that may have sent nothing
    assert superseded(taken_over, "ID:1") == AlreadyDone(completed(), unsettled=True)
    assert superseded(row(None)) == Retry()
    assert superseded(None) == Retry()


@given(st.integers(1, 10_000), st.text(), st.integers(1, 10_000), st.integers(1, 10**7))
def test_each_failed_attempt_waits_longer_up_to_the_limit(
    attempt: int, key: str, shortest: int, longest: int
) -> None:
    """At least half of the doubled delay; the rest depends on the message."""
    policy = replace(POLICY, retry_delay_ms=shortest, retry_max_delay_ms=longest)
    whole = min(shortest * 2 ** min(attempt, 30), max(longest, shortest))

    assert whole // 2 <= policy.delay_ms(attempt, key) <= whole


def test_requests_that_failed_together_are_tried_at_different_times() -> None:
    """A bucket that comes back is not met by all of them at once, nor in the same order."""
    first, second = (
        [POLICY.delay_ms(attempt, f"ID:{number}") for number in range(1000)] for attempt in (3, 4)
    )

    assert 20_000 <= min(first) < 21_000
    assert 39_000 < max(first) <= 40_000
    assert len(set(first)) > 900
    assert sorted(range(1000), key=first.__getitem__) != sorted(range(1000), key=second.__getitem__)


@pytest.mark.parametrize(
    ("attempt", "settled", "allowed"),
    [
        (1, "", True),
        (3, "", True),  # two crashes
        (4, "", False),  # three crashes
        (4, "1", True),  # a failure, then two crashes
        (5, "1", False),
        (6, "5", True),  # failures only
        (7, "6", False),
        (7, "999", False),  # a header of a producer
        (4, "many", False),
        (4, "-1", False),
    ],
)
def test_attempts_are_limited_and_crashes_more_so(
    attempt: int, settled: str, allowed: bool
) -> None:
    """A request may outlast an outage of the platform, but not end one worker after the other."""
    policy = replace(POLICY, max_attempts=6, max_crashes=3)

    assert policy.allows(attempt, delivery(**{ATTEMPT_HEADER: settled})) == allowed


@pytest.mark.parametrize(
    ("attempt", "settled", "allowed"),
    [
        (3, 0, True),  # two crashes
        (4, 0, False),
        (4, 1, True),  # a failure, then two crashes
        (5, 1, False),
        (6, 5, True),  # failures only
        (7, 6, False),
    ],
)
def test_the_row_tells_failures_from_crashes_where_no_copy_does(
    attempt: int, settled: int, allowed: bool
) -> None:
    """The larger number counts: a copy of an older worker has only the header."""
    policy = replace(POLICY, max_attempts=6, max_crashes=3)

    assert policy.allows(attempt, delivery(), settled) == allowed
    assert policy.allows(attempt, delivery(**{ATTEMPT_HEADER: str(settled)}), 0) == allowed
    assert policy.allows(attempt, delivery(**{ATTEMPT_HEADER: "0"}), settled) == allowed


def test_a_duplicate_of_a_long_job_is_received_less_often_than_the_queue_allows() -> None:
    """By the end of the longest job, 12 h, it is not among the dead letters of the queue."""
    waits = [POLICY.waiting_ms(receives) / 1000 for receives in range(1, 51)]
    received = next(at for at in range(51) if sum(waits[:at]) >= 12 * 3600)

    assert waits[:4] == [5, 10, 20, 40]
    assert received == 32
    assert POLICY.waiting_ms(0) == 5000  # a copy in a broker, where receipts are not counted


def test_a_message_that_waits_for_another_is_delayed_longer_each_time() -> None:
    """Its receipts are counted by the queue."""
    delays = [
        settled_as(Retry(), replace(delivery(), receives=receives)).outgoing[0].delay_ms
        for receives in (0, 1, 2, 3)
    ]

    assert delays == [5000, 5000, 10_000, 20_000]


def test_the_broker_expires_no_copy() -> None:
    """It would drop it without a result: a worker expires a retry, and no one a dead letter."""
    expiring = delivery(expires="1724155215000")

    (copy,) = settled_as(Retry(), expiring).outgoing
    (again,) = settled_as(Retry(), Delivery("requests", "ID:8", b"", copy.headers)).outgoing
    dead = settled_as(Rejected(BROKEN, None), expiring).outgoing[0]

    assert copy.headers[EXPIRES_HEADER] == again.headers[EXPIRES_HEADER] == "1724155215000"
    assert not {"expires", EXPIRES_HEADER} & dead.headers.keys()
    assert "expires" not in copy.headers


@pytest.mark.parametrize(
    ("headers", "expired"),
    [
        ({}, False),
        ({"expires": "0"}, False),
        ({"expires": str(int(NOW.timestamp() * 1000))}, True),
        ({"expires": str(int(NOW.timestamp() * 1000) + 1)}, False),
        ({EXPIRES_HEADER: "1"}, True),
        ({EXPIRES_HEADER: "1", "expires": "0"}, True),
        ({"expires": "tomorrow"}, False),
        ({"expires": "-1"}, False),
        ({"expires": "9" * 5000}, False),
    ],
)
def test_message_is_expired_from_its_expiry_on(headers: dict[str, str], expired: bool) -> None:
    """In Unix milliseconds; 0 is none, as in JMS, and what is not a number is none too."""
    assert is_expired(Delivery("requests", "ID:7", b"", headers), NOW) == expired


@given(st.dictionaries(st.text(min_size=1, max_size=20), st.text(max_size=1000)))
@example({"correlation-id": "0"})  # is answered, too
def test_any_headers_of_a_producer_are_accepted(headers: dict[str, str]) -> None:
    """No header of a producer changes where a copy goes, and identities fit their column."""
    message = Delivery("requests", "ID:7", b"", headers)

    copy = settled_as(Rejected(BROKEN, None), message).outgoing[-1]

    assert copy.queue == "dlq"
    assert len(copy.headers[ORIGINAL_ID_HEADER]) <= 255
    assert not copy.headers.keys() & {"destination", "transaction", "receipt", "message-id"}


def of_a_rejudging(request_id: str = "req_1.rejudge.again") -> Delivery:
    """A request of the rejudging `again`."""
    message = delivery(**{REJUDGING_HEADER: "again", "priority": "1"})
    return replace(message, body=json.dumps({"requestId": request_id}).encode())


@pytest.mark.parametrize(
    "outcome",
    [
        Done(completed(), 2),
        AlreadyDone(completed()),
        Rejected(BROKEN, "req_1.rejudge.again", attempt=1),
        Exhausted("req_1.rejudge.again", "disk full", 3, 3),
    ],
)
def test_a_rejudging_sends_nothing_and_marks_what_it_stores(outcome: Outcome) -> None:
    """Programs that read results did not ask for it; gradectl reads the row."""
    usual, settled = settled_as(outcome), settled_as(outcome, of_a_rejudging())

    assert usual.outgoing
    assert settled.outgoing == ()
    assert (settled.attempt, settled.failed) == (usual.attempt, usual.failed)
    if usual.record is None:
        assert settled.record is None
    else:
        assert settled.record == usual.record.model_copy(update={"rejudging": "again"})


def test_a_rejudging_is_retried_with_its_name_and_priority() -> None:
    """Else its last attempt would be answered, and would overtake others."""
    (copy,) = settled_as(Retry(1, "disk full"), of_a_rejudging()).outgoing

    assert (copy.headers[REJUDGING_HEADER], copy.headers["priority"]) == ("again", "1")


def test_a_header_alone_makes_no_rejudging() -> None:
    """The request is answered as usual."""
    settled = settled_as(Done(completed(), 2), of_a_rejudging("req_1"))

    assert settled == settled_as(Done(completed(), 2))


def with_webhook(url: str, **more: object) -> Delivery:
    """A message with a webhook, and nothing else that is valid."""
    body = json.dumps({"requestId": "req_1", "webhookUrl": url, **more}).encode()
    return replace(delivery(), body=body)


@pytest.mark.parametrize(
    "outcome",
    [Done(completed(), 1), Rejected(BROKEN, "req_1"), Exhausted("req_1", "lost", 3, 3)],
)
def test_the_webhook_of_a_message_is_stored_with_its_result(outcome: Outcome) -> None:
    """Also of one that is invalid otherwise; a refused one has its reason."""
    policy = replace(POLICY, webhook_hosts=HostRules.parse("hooks.example.com", ""))

    allowed = settle(outcome, with_webhook("https://hooks.example.com/a"), policy, NOW)
    refused = settle(outcome, with_webhook("https://other.example/"), policy, NOW)

    assert allowed.callback == Callback("https://hooks.example.com/a", host="hooks.example.com")
    assert refused.callback is not None
    assert "not in WEBHOOK_ALLOWED_HOSTS" in refused.callback.refusal
    assert settle(outcome, delivery(), policy, NOW).callback is None


def test_a_result_that_is_known_is_not_pushed_again() -> None:
    """Nor is that of a rejudging: the row and its webhook are stored already."""
    message = with_webhook("https://hooks.example.com/a")
    name = {REJUDGING_HEADER: "again"}
    rejudged = replace(message, headers={**message.headers, **name})
    body = json.dumps({"requestId": "req_1.rejudge.again", "webhookUrl": "https://h.example/"})
    rejudged = replace(rejudged, body=body.encode())

    assert settled_as(AlreadyDone(completed()), message).callback is None
    assert settled_as(Done(completed(), 1), rejudged).callback is None
