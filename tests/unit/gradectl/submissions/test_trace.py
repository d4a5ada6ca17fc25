"""The events of a request are in the order of time, and the advice says what to do."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from memory_api import MemoryApi
from sample_results import completed, failed, request

from gradectl.queues.message_view import MessageView
from gradectl.queues.scan import ScanResult, StopReason
from gradectl.submissions.lookup import LocatedMessage, LookupResult, PartlySearched
from gradectl.submissions.submitted import SubmittedFields, submitted_fields, submitted_request
from gradectl.submissions.trace import Event, advice, events_of, search_start
from grader.errors import RequestError
from grader.ports.jobs import JobRecord
from grader.ports.messages import QueuedMessage
from grader.ports.stores import ObjectInfo

NOW = datetime(2024, 8, 20, 12, 10, 0, tzinfo=UTC)
REQUEST, DONE, FAILED = request(), completed(), failed()
FIELDS = SubmittedFields.from_json(REQUEST.to_json())
REASON = {
    "x-gradectl-reason-code": "INTERNAL_ERROR",
    "x-gradectl-reason": "the disk is full",
    "x-gradectl-attempt": "6",
    "x-gradectl-original-queue": "grading-requests",
    "x-gradectl-first-seen": "2024-08-20T12:00:05Z",
    "x-gradectl-redrives": "2",
}


def at(seconds: float) -> datetime:
    """A time after noon."""
    return datetime(2024, 8, 20, 12, 0, 0, tzinfo=UTC) + timedelta(seconds=seconds)


def message(
    queue: str,
    seconds: float,
    body: bytes = REQUEST.to_json(),
    due: float | None = None,
    **headers: str,
) -> LocatedMessage:
    found = QueuedMessage("ID:1", int(at(seconds).timestamp() * 1000), body, headers)
    view = MessageView.of(found, int(NOW.timestamp() * 1000))
    return LocatedMessage(queue, found, view, due)


def row(status: str = "running", **fields: Any) -> JobRecord:
    """A row claimed three seconds after noon."""
    usual: dict[str, Any] = {
        "attempts": 1,
        "worker_id": "w",
        "queue": "grading-requests",
        "result": None,
        "updated_at": at(3.25),
        "created_at": at(3.25),
        "held_until": at(183.25) if status == "running" else None,
    }
    return JobRecord("req_1", status, **{**usual, **fields})


def lookup(*messages: LocatedMessage, **fields: Any) -> LookupResult:
    usual: dict[str, Any] = {"objects": (), "result": None, "row": None, "unreachable": ()}
    return LookupResult("req_1", messages=messages, **{**usual, **fields})


def test_all_places_are_merged_in_the_order_of_time() -> None:
    """Lines that are exact to the second follow what is known to have happened in it."""
    objects = (
        ObjectInfo("submissions/req_1/solution.py", 8, "e", at(1)),
        ObjectInfo("results/req_1/result.json", 300, "e", at(5)),
    )
    finished = row("completed", result=DONE, updated_at=at(5.5), attempts=2)
    result = message("grading-results", 5.6, DONE.to_json())
    found = lookup(result, objects=objects, result=DONE, row=finished)
    lines = [
        Event(at(3), "log 89abcdef", "INFO: Processing request req_1", is_exact=False),
        Event(at(4.5), "log 89abcdef", "INFO: Grading completed"),
    ]

    told = [
        (each.time(with_date=False), each.place, each.text)
        for each in events_of(found, FIELDS, lines)
    ]

    assert told == [
        ("12:00:00", "producer", "request made by ann: python, sum"),
        ("12:00:01", "bucket", "submissions: solution.py, 8 bytes"),
        ("12:00:03.250", "database", "first claim, from grading-requests"),
        ("12:00:03", "log 89abcdef", "INFO: Processing request req_1"),
        ("12:00:04.500", "log 89abcdef", "INFO: Grading completed"),
        ("12:00:05", "bucket", "results: result.json, 300 bytes: AC, score 100, 2 ms, 3 MB"),
        ("12:00:05.500", "database", "row completed by w, attempts: 2"),
        ("12:00:05.600", "grading-results", "result sent: completed AC 100"),
    ]
    assert events_of(found, FIELDS)[0].time(with_date=True) == "2024-08-20T12:00:00"
    assert search_start(events_of(found, FIELDS), NOW) == at(-15 * 60)


def test_a_function_sent_by_the_api_has_its_maker_and_its_name() -> None:
    """Its metadata has no input, so that no message can be made from it."""
    with closing(MemoryApi()) as api:
        api.post("/v1/run", {"functionId": "hello", "inputData": 1, "waitSeconds": 0})
        (message,) = api.sent()
        fields = submitted_fields(api.store, message["requestId"])

        (made,) = events_of(lookup(), fields)

        assert (made.place, made.text) == ("producer", "request made by ann: function hello")
        with pytest.raises(RequestError, match="function hello, whose input is not stored"):
            submitted_request(api.store, message["requestId"])


def test_a_dead_letter_tells_its_reason_and_how_often_it_was_tried() -> None:
    """And when a worker first put it off; a header that is not a time is left out."""
    dead = message("grading-dlq", 60, **REASON)
    odd = message("grading-dlq", 61, **{**REASON, "x-gradectl-first-seen": "yesterday"})

    told = [
        (each.time(with_date=False), each.place, each.text)
        for each in events_of(lookup(dead, odd), None)
    ]

    text = "dead letter sent: INTERNAL_ERROR: the disk is full, attempts: 6, put back 2 times"
    assert told == [
        (
            "12:00:05",
            "worker",
            "put off or dead-lettered for the first time, from grading-requests",
        ),
        ("12:01:00.000", "grading-dlq", text),
        ("12:01:01.000", "grading-dlq", text),
    ]


@pytest.mark.parametrize("count", ["1", "2"])
def test_how_often_it_was_put_back_is_a_sentence(count: str) -> None:
    """Once is one time."""
    found = lookup(message("grading-requests", 1, **{"x-gradectl-redrives": count}))

    (event,) = events_of(found, None)

    assert event.text.endswith(f"put back {count} time" + ("s" if count == "2" else ""))


ODD_TIMES = [
    "0001-01-01T00:00:00+09:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-09:00",
    "9999-12-31T23:59:59Z",
    "2024-08-20T12:00:00",
    "2024-W34-2",
    "",
]


@pytest.mark.parametrize("text", ODD_TIMES)
def test_any_time_of_a_producer_can_be_listed_and_searched_for(text: str) -> None:
    """The logs of at most 400 days are searched, and none of the future."""
    made = datetime.fromisoformat(text) if text else NOW
    odd = message("grading-dlq", 1, **{**REASON, "x-gradectl-first-seen": text})
    fields = FIELDS.model_copy(update={"timestamp": made})

    events = events_of(lookup(odd), fields)
    start = search_start(events, NOW)

    assert all(each.time(with_date=True) for each in events)
    assert "dead letter sent" in " ".join(each.text for each in events)
    assert timedelta(minutes=15) <= NOW - start <= timedelta(days=400, minutes=15)


@pytest.mark.parametrize("seconds", [1e12, 1e15, -1e12])
def test_a_message_whose_times_no_clock_shows_is_left_out(seconds: float) -> None:
    """Its queue and id are in the document nevertheless."""
    found = QueuedMessage("ID:1", int(seconds * 1000), REQUEST.to_json(), {})
    view = MessageView.of(found, int(NOW.timestamp() * 1000))
    due = abs(seconds) * 10

    assert events_of(lookup(LocatedMessage("grading-requests", found, view, due)), None) == []


def test_without_any_time_the_logs_of_a_day_are_searched() -> None:
    """There is no event to begin before."""
    assert NOW - search_start([], NOW) == timedelta(days=1, minutes=15)


def test_a_running_request_shows_its_claim_and_a_delayed_one_when_it_is_due() -> None:
    """Times in the future are at the end."""
    later = message("grading-requests", 2, due=3600.0, **{"x-gradectl-reason": "no bucket"})

    claimed = row(attempts=3, created_at=at(1))

    told = [each.text for each in events_of(lookup(later, row=claimed), None)]

    assert told == [
        "first claim, from grading-requests",
        "delayed request sent: no bucket",
        "claimed by w, attempt 3, from grading-requests",
        "the claim ends if it is not renewed",
        "the delayed message is due",
    ]


REQUEUE = "gradectl queue requeue -e dev req_1"
LIST = "gradectl queue list -e dev"
SUBMITTED = (ObjectInfo("submissions/req_1/solution.py", 8, "e", at(1)),)
HELD = {"held_until": NOW + timedelta(minutes=1)}


@pytest.mark.parametrize(
    ("found", "state", "command"),
    [
        (lookup(result=DONE, row=row("completed", result=DONE)), "finished: AC", "gradectl result"),
        (
            lookup(
                message("grading-dlq", 1, **REASON), result=FAILED, row=row("failed", result=FAILED)
            ),
            "dead-lettered: INTERNAL_ERROR: the disk is full",
            REQUEUE,
        ),
        (lookup(message("grading-requests", 1)), "in grading-requests", LIST),
        (
            lookup(row=row(**HELD)),
            "running, attempt 1",
            "gradectl logs dev --request req_1 --follow",
        ),
        (lookup(row=row()), "void for", REQUEUE),
        (
            lookup(message("grading-requests", 1), row=row()),
            "its message is in grading-requests",
            LIST,
        ),
        (lookup(objects=SUBMITTED), "submitted, but in no queue", REQUEUE),
        (lookup(row=row(), unreachable=("broker: away",)), "not every place could be read", ""),
        (
            lookup(message("grading-requests", 1), result=DONE, objects=SUBMITTED),
            "in grading-requests, to be graded again",
            LIST,
        ),
    ],
)
def test_the_advice_names_the_next_command(found: LookupResult, state: str, command: str) -> None:
    """A request that nobody will go on with is sent again, and no other."""
    told = advice(found, "dev", NOW)

    assert state in told.state
    assert told.command.startswith(command)
    assert bool(told.command) == bool(command)


def test_the_dead_letter_of_a_failed_request_may_be_in_sqs() -> None:
    """It cannot be searched there, and a requeue works without it."""
    scan = ScanResult(0, 2, reason=StopReason.NO_BROWSING)
    found = lookup(result=FAILED, partly_searched=(PartlySearched("grading-dlq", scan),))

    told = advice(found, "dev", NOW)

    assert "its dead letter may be in grading-dlq" in told.state
    assert told.command == "gradectl queue requeue -e dev req_1"
    without = advice(lookup(result=FAILED), "dev", NOW)
    assert without.command == "gradectl result -e dev req_1"
