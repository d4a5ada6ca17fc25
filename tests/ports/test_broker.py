"""Behaviour of every broker client of gradectl: inspecting, sending, watching."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

from gradectl.adapters.broker import BrokerAccess, open_broker
from gradectl.queues.broker import Broker
from gradectl.queues.testing import MemoryBroker
from grader.errors import SelectorError
from grader.ports.messages import Outgoing, QueuedMessage

SOON = 5.0


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.engine)])
def open_it(request: pytest.FixtureRequest) -> Iterator[Callable[[], Broker]]:
    """Open new connections to the same broker."""
    if request.param == "fake":
        memory = MemoryBroker()
        yield lambda: memory
        return
    running = request.getfixturevalue("activemq")
    access = BrokerAccess(running.endpoint, running.user, running.password, running.ca_file)
    with ExitStack() as stack:
        yield lambda: stack.enter_context(open_broker(access))


@pytest.fixture
def broker(open_it: Callable[[], Broker]) -> Broker:
    """A connection to the broker."""
    return open_it()


@pytest.fixture
def name() -> str:
    """A queue that no other test uses."""
    return f"t.{uuid.uuid4().hex}"


def test_statistics_count_what_was_sent(broker: Broker, name: str) -> None:
    """Size, counters, and the time by the broker's clock."""
    for number in range(3):
        broker.send(name, b"%d" % number, {})

    counters = broker.inspector.statistics([name])[name]

    assert (counters.queue, counters.size, counters.enqueued, counters.dequeued) == (name, 3, 3, 0)
    assert counters.waiting == 3
    assert counters.oldest_ms is None or counters.oldest_ms <= counters.taken_at_ms


def test_messages_of_one_transaction_arrive_in_their_order(broker: Broker, name: str) -> None:
    """Each in its queue, with its headers."""
    other = f"{name}.other"
    broker.send_all(
        [Outgoing(name, b"1", {"correlation-id": "a"}), Outgoing(name, b"2"), Outgoing(other, b"3")]
    )

    page = broker.inspector.browse(name)
    assert [message.body for message in page] == [b"1", b"2"]
    assert page[0].headers["correlation-id"] == "a"
    assert [message.body for message in broker.inspector.browse(other)] == [b"3"]


def test_a_missing_queue_has_no_statistics_and_is_not_created(broker: Broker, name: str) -> None:
    """The query is answered at once and changes nothing."""
    assert broker.inspector.statistics([name]) == {}
    assert broker.inspector.statistics([name]) == {}


def test_statistics_of_several_queues_are_kept_apart(broker: Broker, name: str) -> None:
    """A missing queue does not shift the answers."""
    broker.send(f"{name}.a", b"", {})
    broker.send(f"{name}.c", b"", {})
    broker.send(f"{name}.c", b"", {})

    found = broker.inspector.statistics([f"{name}.{letter}" for letter in "abc"])

    assert {key: counters.size for key, counters in found.items()} == {
        f"{name}.a": 1,
        f"{name}.c": 2,
    }


def test_a_browse_shows_bodies_and_headers_as_they_were_sent(broker: Broker, name: str) -> None:
    """Byte for byte."""
    body = bytes(range(256))
    broker.send(name, body, {"correlation-id": "a:b\\c", "x-note": "two\nlines"})

    (message,) = broker.inspector.browse(name)

    assert message.body == body
    assert message.headers["correlation-id"] == "a:b\\c"
    assert message.headers["x-note"] == "two\nlines"
    assert message.message_id
    assert message.timestamp_ms > 0


def test_a_browse_consumes_nothing(open_it: Callable[[], Broker], name: str) -> None:
    """Sizes, counters and consumers do not change."""
    broker = open_it()
    for number in range(20):
        broker.send(name, b"%d" % number, {})
    before = broker.inspector.statistics([name])[name]

    pages = [broker.inspector.browse(name) for _ in range(3)]

    after = open_it().inspector.statistics([name])[name]
    assert [len(page) for page in pages] == [20, 20, 20]
    assert (after.size, after.dequeued, after.in_flight) == (before.size, 0, 0)
    assert after.consumers == 0
    with broker.watch(name, "nobody") as watch:
        assert watch.take(0.1) is None
    assert all("redelivered" not in message.headers for message in broker.inspector.browse(name))


def test_a_browse_is_narrowed_by_time_and_priority(broker: Broker, name: str) -> None:
    """With the selectors that a scan uses."""
    for priority in "149":
        broker.send(name, priority.encode(), {"priority": priority})
    latest = max(message.timestamp_ms for message in broker.inspector.browse(name))

    def found(selector: str) -> set[bytes]:
        return {message.body for message in broker.inspector.browse(name, selector)}

    assert found("JMSPriority > 4") == {b"9"}
    assert found("JMSPriority = 4") == {b"4"}
    assert found("JMSPriority < 4") == {b"1"}
    assert found(f"JMSTimestamp >= {latest + 1}") == set()
    assert found(f"JMSPriority > 4 AND JMSTimestamp >= {latest - 60_000}") == {b"9"}


def test_an_invalid_selector_is_an_error(open_it: Callable[[], Broker], name: str) -> None:
    """The broker ends the connection; an empty page would hide that."""
    broker = open_it()
    broker.send(name, b"", {})

    with pytest.raises(SelectorError):
        broker.inspector.browse(name, "JMSTimestamp >>> 3")


def test_a_watch_takes_its_own_message_and_no_other(broker: Broker, name: str) -> None:
    """Results of other requests are not consumed."""
    broker.send(name, b"theirs", {"correlation-id": "theirs"})
    with broker.watch(name, "o'urs") as watch:
        assert watch.take(0.05) is None
        broker.send(name, b"ours", {"correlation-id": "o'urs"})
        assert watch.take(SOON) == b"ours"
        assert watch.take(0.05) is None

    (left,) = broker.inspector.browse(name)
    assert left.body == b"theirs"
    assert "redelivered" not in left.headers


def test_a_watch_finds_an_earlier_message(broker: Broker, name: str) -> None:
    """A cleanup starts after the messages were sent."""
    broker.send(name, b"ours", {"correlation-id": "ours"})

    with broker.watch(name, "ours") as watch:
        assert watch.take(SOON) == b"ours"

    assert broker.inspector.statistics([name])[name].size == 0


def test_replaced_messages_are_consumed_and_their_copies_sent(broker: Broker, name: str) -> None:
    """Only the named ones, wherever they are in the queue; the others are not touched."""
    for number in range(9):
        broker.send(name, b"%d" % number, {})
    chosen = [each for each in broker.inspector.browse(name) if each.body in (b"2", b"7")]

    with broker.mover() as mover:
        done = mover.replace(
            name,
            [each.message_id for each in chosen],
            lambda found: [
                Outgoing(f"{name}.new", each.body + b"!", {"x-a": "b"}) for each in found
            ],
        )

    left = broker.inspector.browse(name)
    assert sorted(done) == sorted(each.message_id for each in chosen)
    assert [each.body for each in left] == [b"0", b"1", b"3", b"4", b"5", b"6", b"8"]
    assert all("redelivered" not in each.headers for each in left)
    copies = broker.inspector.browse(f"{name}.new")
    assert sorted(each.body for each in copies) == [b"2!", b"7!"]
    assert copies[0].headers["x-a"] == "b"


def test_a_replacement_that_fails_changes_nothing(broker: Broker, name: str) -> None:
    """Both queues are as before, and the same connection can be used again."""
    broker.send(name, b"a", {})
    (message,) = broker.inspector.browse(name)

    def fail(_found: Sequence[QueuedMessage]) -> list[Outgoing]:
        raise ValueError("no copy")

    with broker.mover() as mover:
        with pytest.raises(ValueError, match="no copy"):
            mover.replace(name, [message.message_id], fail)
        assert mover.replace(name, [message.message_id], lambda _found: []) == [message.message_id]

    assert broker.inspector.browse(name) == []
