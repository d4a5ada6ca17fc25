"""Behaviour of every job source."""

from __future__ import annotations

from typing import Any

import pytest

from grader.errors import ConnectionLostError
from grader.ports.messages import Delivery, Outgoing

SOON = 10.0  # seconds to wait for an expected message
NOTHING = 0.2  # seconds to wait for an unexpected message


@pytest.fixture
def jobs(queues: Any) -> str:
    """Name of a queue."""
    return queues.name("jobs")


def test_message_arrives_as_it_was_sent(queues: Any, jobs: str) -> None:
    """Body byte for byte, headers with every character, and the queue it came from."""
    queues.send(Outgoing(jobs, b'{"a": "\xc3\xa9"}', {"x-note": "a:b\\c\nd é"}))

    delivery = queues.open(jobs).receive(SOON)

    assert delivery.body == b'{"a": "\xc3\xa9"}'
    assert delivery.headers["x-note"] == "a:b\\c\nd é"
    assert (delivery.queue, delivery.redelivered) == (jobs, False)


@pytest.mark.parametrize("body", [b"", b"\xff\xfe", b"a\x00b", b"\n\n", b"x" * 300_000])
def test_binary_body_arrives_unchanged(queues: Any, jobs: str, body: bytes) -> None:
    """A dead-lettered copy must have the same bytes."""
    queues.send(Outgoing(jobs, body))

    assert queues.open(jobs).receive(SOON).body == body


def test_nothing_waiting_is_none(queues: Any, jobs: str) -> None:
    """An empty queue is not an error."""
    assert queues.open(jobs).receive(NOTHING) is None


def test_settled_message_is_gone_and_its_answer_sent(queues: Any, jobs: str) -> None:
    """Acknowledgement and answer are one transaction."""
    queues.send(Outgoing(jobs, b"1"))
    source = queues.open(jobs)
    answers = queues.name("answers")

    source.settle(source.receive(SOON), [Outgoing(answers, b"done", {"correlation-id": "c"})])
    source.close()

    answer = queues.open(answers).receive(SOON)
    assert (answer.body, answer.headers["correlation-id"]) == (b"done", "c")
    assert queues.open(jobs).receive(NOTHING) is None


def test_settlement_is_confirmed_on_request_or_when_nothing_else_comes(
    queues: Any, jobs: str
) -> None:
    """The next message can be received before; each settlement is confirmed once."""
    for number in range(3):
        queues.send(Outgoing(jobs, b"%d" % number))
    source = queues.open(jobs)
    confirmed: list[bytes] = []

    def settle(delivery: Delivery) -> None:
        source.settle(delivery, [], lambda: confirmed.append(delivery.body))

    settle(source.receive(SOON))
    source.confirm()
    assert confirmed == [b"0"]
    settle(source.receive(SOON))
    settle(source.receive(SOON))
    assert b"1" in confirmed
    assert source.receive(NOTHING) is None
    source.confirm()

    assert confirmed == [b"0", b"1", b"2"]


def test_what_is_prepared_is_settled_once_and_only_then(queues: Any, jobs: str) -> None:
    """Until then nothing is sent, and the end of the connection brings the message back."""
    answers = queues.name("answers")
    outgoing = [Outgoing(answers, b"done")]
    queues.send(Outgoing(jobs, b"1"))
    first = queues.open(jobs)
    first.prepare(first.receive(SOON), outgoing)
    reader = queues.open(answers)
    assert reader.receive(NOTHING) is None
    first.close()
    second = queues.open(jobs)
    delivery = second.receive(SOON)
    second.prepare(delivery, outgoing)
    second.settle(delivery, outgoing)
    second.confirm()

    assert delivery.redelivered
    assert reader.receive(SOON).body == b"done"
    second.close()
    assert queues.open(jobs).receive(NOTHING) is None


def test_what_is_withdrawn_is_settled_as_if_it_had_not_been_prepared(
    queues: Any, jobs: str
) -> None:
    """The message is still the source's; another outcome can be settled."""
    answers = queues.name("answers")
    for number in range(2):
        queues.send(Outgoing(jobs, b"%d" % number))
    source = queues.open(jobs)
    delivery = source.receive(SOON)
    source.withdraw()
    source.prepare(delivery, [Outgoing(answers, b"wrong")])
    source.withdraw()
    source.settle(delivery, [Outgoing(answers, b"right")])
    source.settle(source.receive(SOON), [])
    source.confirm()
    reader = queues.open(answers)

    assert reader.receive(SOON).body == b"right"
    source.close()
    assert reader.receive(NOTHING) is None
    assert queues.open(jobs).receive(NOTHING) is None


def test_preparing_over_a_lost_connection_leaves_the_error_to_settling(
    queues: Any, jobs: str
) -> None:
    """A worker stores the result in between."""
    queues.send(Outgoing(jobs, b"1"))
    source = queues.open(jobs)
    delivery = source.receive(SOON)
    source.close()

    source.prepare(delivery, [])
    source.withdraw()
    with pytest.raises(ConnectionLostError):
        source.settle(delivery, [])


def test_lost_connection_settles_nothing(queues: Any, jobs: str) -> None:
    """Neither is anything sent nor the message acknowledged; it is delivered again."""
    queues.send(Outgoing(jobs, b"1"))
    source = queues.open(jobs)
    answers = queues.name("answers")
    delivery = source.receive(SOON)
    source.close()

    with pytest.raises(ConnectionLostError):
        source.settle(delivery, [Outgoing(answers, b"done")])

    assert queues.open(answers).receive(NOTHING) is None
    assert queues.open(jobs).receive(SOON).redelivered


def test_unsettled_message_is_redelivered_after_close(queues: Any, jobs: str) -> None:
    """Another worker gets it, marked as redelivered."""
    queues.send(Outgoing(jobs, b"1"))
    first = queues.open(jobs)
    before = first.receive(SOON)
    first.close()

    after = queues.open(jobs).receive(SOON)

    assert (after.message_id, after.redelivered) == (before.message_id, True)


def test_a_source_holds_one_message_at_a_time(queues: Any, jobs: str) -> None:
    """Other workers get the messages behind a running job."""
    queues.send(Outgoing(jobs, b"1"))
    queues.send(Outgoing(jobs, b"2"))
    busy, idle = queues.open(jobs), queues.open(jobs)

    assert {busy.receive(SOON).body, idle.receive(SOON).body} == {b"1", b"2"}


def test_most_urgent_queue_comes_first(queues: Any, jobs: str) -> None:
    """No ordinary message is received while an urgent one waits."""
    urgent = queues.name("urgent")
    for number in range(5):
        queues.send(Outgoing(jobs, b"ordinary %d" % number))
        queues.send(Outgoing(urgent, b"urgent %d" % number))
    source = queues.open(urgent, jobs)

    order = []
    for _ in range(10):
        delivery = source.receive(SOON)
        order.append(delivery.body)
        source.settle(delivery, [])

    assert order == [b"urgent %d" % n for n in range(5)] + [b"ordinary %d" % n for n in range(5)]


def test_busy_consumer_holds_no_message_of_its_other_queue(queues: Any, jobs: str) -> None:
    """An idle consumer gets them at once."""
    urgent = queues.name("urgent")
    queues.send(Outgoing(jobs, b"long"))
    busy = queues.open(urgent, jobs)
    long = busy.receive(SOON)
    for number in range(3):
        queues.send(Outgoing(urgent, b"%d" % number))
    idle = queues.open(urgent, jobs)

    for number in range(3):
        delivery = idle.receive(SOON)
        assert delivery.body == b"%d" % number
        idle.settle(delivery, [])

    busy.settle(long, [])
    queues.send(Outgoing(urgent, b"last"))
    idle.close()
    assert busy.receive(SOON).body == b"last"


def test_a_paused_source_leaves_messages_to_others(queues: Any, jobs: str) -> None:
    """Until it receives again."""
    paused = queues.open(jobs)
    assert paused.receive(NOTHING) is None
    paused.pause()
    queues.send(Outgoing(jobs, b"1"))
    other = queues.open(jobs)

    delivery = other.receive(SOON)
    assert delivery.body == b"1"
    other.settle(delivery, [])
    other.close()
    queues.send(Outgoing(jobs, b"2"))
    assert paused.receive(SOON).body == b"2"


def test_delayed_message_comes_later(queues: Any, jobs: str) -> None:
    """The consumer is free during the delay."""
    queues.send(Outgoing(jobs, b"now"))
    source = queues.open(jobs)
    tomorrow = Outgoing(jobs, b"tomorrow", delay_ms=86_400_000)
    source.settle(source.receive(SOON), [tomorrow, Outgoing(jobs, b"later", delay_ms=500)])

    assert source.receive(SOON).body == b"later"
    assert source.receive(NOTHING) is None


def test_postponed_message_comes_again_later(queues: Any, jobs: str) -> None:
    """With the same body; the consumer is free during the delay."""
    queues.send(Outgoing(jobs, b"1", {"x-note": "n"}))
    source = queues.open(jobs)
    confirmed: list[str] = []
    delivery = source.receive(SOON)

    copy = Outgoing(jobs, delivery.body, {"x-note": "n"}, delay_ms=900)
    source.postpone(delivery, copy, lambda: confirmed.append("postponed"))
    source.confirm()

    assert confirmed == ["postponed"]
    assert source.receive(NOTHING) is None
    again = source.receive(SOON)
    assert (again.body, again.headers["x-note"]) == (b"1", "n")
    assert again.receives in (0, 2)
    source.settle(again, [])
    source.confirm()


def test_a_delivery_that_is_held_can_be_extended(queues: Any, jobs: str) -> None:
    """A source says whether that is needed, and how often."""
    queues.send(Outgoing(jobs, b"1"))
    source = queues.open(jobs)
    delivery = source.receive(SOON)

    assert source.hold_seconds is None or source.hold_seconds > 0
    assert source.extend(delivery)
    source.settle(delivery, [])
    source.confirm()


def test_receives_are_counted_or_unknown(queues: Any, jobs: str) -> None:
    """A transport that does not count says 0."""
    queues.send(Outgoing(jobs, b"1"))
    found = []
    for _ in range(3):
        source = queues.open(jobs)
        found.append(source.receive(SOON).receives)
        source.close()

    assert found in ([0, 0, 0], [1, 2, 3])


@pytest.mark.parametrize(
    "headers",
    [
        {f"x-note-{number}": str(number) for number in range(14)},
        {"x-empty": "", "x-space": " ", "x-lines": "a\r\nb\tc", "x-emoji": "\U0001f600"},
        {"x-control": "a\x01b", "aws.x": "1", "a..b": "2", "x:y": "3", "ü": "4"},
        {"x-gradectl-headers": "{}", "x-gradectl-encoding": "base64"},
    ],
    ids=["many", "values", "names", "reserved"],
)
def test_any_headers_arrive(queues: Any, jobs: str, headers: dict[str, str]) -> None:
    """However many there are, and whatever their names and values are."""
    queues.send(Outgoing(jobs, b"{}", headers))

    delivery = queues.open(jobs).receive(SOON)

    assert headers.items() <= delivery.headers.items()
    assert delivery.body == b"{}"


def test_closed_source_raises_a_lost_connection(queues: Any, jobs: str) -> None:
    """Further use is an error."""
    source = queues.open(jobs)
    source.close()

    with pytest.raises(ConnectionLostError):
        source.receive(NOTHING)
