"""Behaviour of every client of gradectl for queues: inspecting, sending, watching, moving."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import boto3
import ministack
import pytest

from gradectl.adapters.aws.account import Aws, AwsSettings
from gradectl.adapters.broker import BrokerAccess, open_broker
from gradectl.adapters.sqs_broker import open_queues
from gradectl.queues.broker import Broker
from gradectl.queues.testing import MemoryBroker
from grader.errors import SelectorError
from grader.ports.messages import Outgoing, QueuedMessage

SOON = 5.0
BROKERS = ["fake", pytest.param("activemq", marks=pytest.mark.engine)]
SQS = [
    "moto-sqs",
    pytest.param(
        "ministack-sqs",
        marks=pytest.mark.skipif(
            not ministack.PROGRAM.exists(), reason="scripts/ministack has not installed ministack"
        ),
    ),
]
EMULATED = {"moto-sqs": "moto_server", "ministack-sqs": "ministack_url"}


@dataclass(frozen=True)
class Opened:
    """A way to the queues of one test; `create` creates a queue where sending does not."""

    open: Callable[[], Broker]
    create: Callable[[str], None] = lambda _name: None


@pytest.fixture(params=[*BROKERS, *SQS])
def opened(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Queues on each transport."""
    if request.param in EMULATED:
        yield _sqs(request)
    else:
        yield from _broker(request)


@pytest.fixture(params=BROKERS)
def browsing(request: pytest.FixtureRequest) -> Iterator[Opened]:
    """Queues whose messages can be browsed."""
    yield from _broker(request)


def _broker(request: pytest.FixtureRequest) -> Iterator[Opened]:
    if request.param == "fake":
        memory = MemoryBroker()
        yield Opened(lambda: memory)
        return
    running = request.getfixturevalue("activemq")
    access = BrokerAccess(running.endpoint, running.user, running.password, running.ca_file)
    with ExitStack() as stack:
        yield Opened(lambda: stack.enter_context(open_broker(access)))


def _sqs(request: pytest.FixtureRequest) -> Opened:
    url = request.getfixturevalue(EMULATED[request.param])
    environment = uuid.uuid4().hex
    settings = AwsSettings(
        "ap-northeast-2",
        "123456789012",
        endpoint_url=url,
        access_key_id="testing",
        secret_access_key="testing",
    )
    broker = open_queues(Aws(settings), environment, {}, "no-bucket")
    client = boto3.client(
        "sqs",
        endpoint_url=url,
        region_name=settings.region,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    return Opened(
        lambda: broker, lambda name: client.create_queue(QueueName=f"{environment}-{name}")
    )


@contextmanager
def messages_of(broker: Broker, queue: str) -> Iterator[Sequence[QueuedMessage]]:
    """The messages of a queue, browsed, or received and held for the block."""
    if broker.holder is None:
        yield broker.inspector.browse(queue)
        return
    with broker.holder.hold(queue, 100) as held:
        yield held


def bodies(broker: Broker, queue: str) -> list[bytes]:
    """The bodies of the messages of a queue."""
    with messages_of(broker, queue) as found:
        return sorted(each.body for each in found)


@pytest.fixture
def broker(opened: Opened) -> Broker:
    """A connection to the queues."""
    return opened.open()


@pytest.fixture
def browser(browsing: Opened) -> Broker:
    """A connection to queues that can be browsed."""
    return browsing.open()


@pytest.fixture
def make(opened: Opened) -> Callable[[], str]:
    """Make a queue that no other test uses."""

    def make_queue() -> str:
        name = f"t-{uuid.uuid4().hex}"
        opened.create(name)
        return name

    return make_queue


@pytest.fixture
def name() -> str:
    """The name of a queue that no other test uses."""
    return f"t-{uuid.uuid4().hex}"


def test_queues_with_other_names_are_counted(browser: Broker, name: str) -> None:
    """They are deleted with the broker."""
    browser.send(name, b"1", {})
    browser.send(name, b"2", {})
    browser.send("grading-dlq", b"3", {})

    found = browser.further_queues()

    assert found[name] == 2
    assert "grading-dlq" not in found


def test_statistics_count_what_was_sent(broker: Broker, make: Callable[[], str]) -> None:
    """Size, counters, and the time by the broker's clock; SQS has no totals."""
    name = make()
    for number in range(3):
        broker.send(name, b"%d" % number, {})

    counters = broker.inspector.statistics([name])[name]

    assert (counters.queue, counters.size, counters.waiting) == (name, 3, 3)
    assert (counters.in_flight, counters.dequeued) == (0, 0)
    assert counters.enqueued == (0 if counters.consumers is None else 3)
    assert counters.oldest_ms is None or counters.oldest_ms <= counters.taken_at_ms


def test_messages_sent_together_arrive(broker: Broker, make: Callable[[], str]) -> None:
    """Each in its queue, with its headers; more than one batch of SQS."""
    name, other = make(), make()
    some = [Outgoing(name, b"%d" % number, {"correlation-id": "a"}) for number in range(12)]
    broker.send_all([*some, Outgoing(other, b"other")])

    with messages_of(broker, name) as found:
        assert sorted(int(each.body) for each in found) == list(range(12))
        assert {each.headers["correlation-id"] for each in found} == {"a"}
    assert bodies(broker, other) == [b"other"]


def test_messages_of_one_transaction_arrive_in_their_order(browser: Broker, name: str) -> None:
    """Where there are transactions."""
    browser.send_all([Outgoing(name, b"1"), Outgoing(name, b"2")])

    assert [message.body for message in browser.inspector.browse(name)] == [b"1", b"2"]


def test_a_missing_queue_has_no_statistics_and_is_not_created(broker: Broker, name: str) -> None:
    """The query is answered at once and changes nothing."""
    assert broker.inspector.statistics([name]) == {}
    assert broker.inspector.statistics([name]) == {}


def test_statistics_of_several_queues_are_kept_apart(
    broker: Broker, make: Callable[[], str], name: str
) -> None:
    """A missing queue does not shift the answers."""
    first, last = make(), make()
    broker.send(first, b"a", {})
    broker.send(last, b"b", {})
    broker.send(last, b"c", {})

    found = broker.inspector.statistics([first, name, last])

    assert {key: counters.size for key, counters in found.items()} == {first: 1, last: 2}


def test_bodies_and_headers_are_read_as_they_were_sent(
    broker: Broker, make: Callable[[], str]
) -> None:
    """Byte for byte."""
    name = make()
    body = bytes(range(256))
    broker.send(name, body, {"correlation-id": "a:b\\c", "x-note": "two\nlines"})

    with messages_of(broker, name) as found:
        (message,) = found

    assert message.body == body
    assert message.headers["correlation-id"] == "a:b\\c"
    assert message.headers["x-note"] == "two\nlines"
    assert message.message_id
    assert message.timestamp_ms > 0


def test_an_empty_message_is_a_message(broker: Broker, make: Callable[[], str]) -> None:
    """Also where the transport has none."""
    name = make()
    broker.send(name, b"", {"x-empty": ""})

    with messages_of(broker, name) as found:
        (message,) = found

    assert (message.body, message.headers["x-empty"]) == (b"", "")


def test_a_browse_consumes_nothing(browsing: Opened, name: str) -> None:
    """Sizes, counters and consumers do not change."""
    broker = browsing.open()
    for number in range(20):
        broker.send(name, b"%d" % number, {})
    before = broker.inspector.statistics([name])[name]

    pages = [broker.inspector.browse(name) for _ in range(3)]

    after = browsing.open().inspector.statistics([name])[name]
    assert [len(page) for page in pages] == [20, 20, 20]
    assert (after.size, after.dequeued, after.in_flight) == (before.size, 0, 0)
    assert after.consumers == 0
    with broker.watch(name, "nobody") as watch:
        assert watch.take(0.1) is None
    assert all("redelivered" not in message.headers for message in broker.inspector.browse(name))


def test_a_browse_is_narrowed_by_time_and_priority(browser: Broker, name: str) -> None:
    """With the selectors that a scan uses."""
    for priority in "149":
        browser.send(name, priority.encode(), {"priority": priority})
    latest = max(message.timestamp_ms for message in browser.inspector.browse(name))

    def found(selector: str) -> set[bytes]:
        return {message.body for message in browser.inspector.browse(name, selector)}

    assert found("JMSPriority > 4") == {b"9"}
    assert found("JMSPriority = 4") == {b"4"}
    assert found("JMSPriority < 4") == {b"1"}
    assert found(f"JMSTimestamp >= {latest + 1}") == set()
    assert found(f"JMSPriority > 4 AND JMSTimestamp >= {latest - 60_000}") == {b"9"}


def test_an_invalid_selector_is_an_error(browser: Broker, name: str) -> None:
    """The broker ends the connection; an empty page would hide that."""
    browser.send(name, b"", {})

    with pytest.raises(SelectorError):
        browser.inspector.browse(name, "JMSTimestamp >>> 3")


def test_what_arrives_while_a_queue_is_read_is_seen(
    broker: Broker, make: Callable[[], str]
) -> None:
    """A move stops when messages come straight back."""
    name = make()
    broker.send(name, b"before", {})
    with messages_of(broker, name):
        broker.send(name, b"after", {})

        found = broker.inspector.sent_since(name, 0)

    assert sorted(each.body for each in found) == [b"after", b"before"]
    assert bodies(broker, name) == [b"after", b"before"]


def test_a_watch_takes_its_own_message_and_no_other(
    broker: Broker, make: Callable[[], str]
) -> None:
    """Results of other requests are not consumed."""
    name = make()
    broker.send(name, b"theirs", {"correlation-id": "theirs"})
    with broker.watch(name, "o'urs") as watch:
        assert watch.take(0.05) is None
        broker.send(name, b"ours", {"correlation-id": "o'urs"})
        assert watch.take(SOON) == b"ours"
        assert watch.take(0.05) is None

    with messages_of(broker, name) as found:
        (left,) = found
    assert left.body == b"theirs"
    assert "redelivered" not in left.headers


def test_a_watch_finds_an_earlier_message(broker: Broker, make: Callable[[], str]) -> None:
    """A cleanup starts after the messages were sent."""
    name = make()
    broker.send(name, b"ours", {"correlation-id": "ours"})

    with broker.watch(name, "ours") as watch:
        assert watch.take(SOON) == b"ours"

    assert broker.inspector.statistics([name])[name].size == 0


def test_replaced_messages_are_consumed_and_their_copies_sent(
    broker: Broker, make: Callable[[], str]
) -> None:
    """Only the named ones, wherever they are in the queue; the others are not touched."""
    name, new = make(), make()
    for number in range(9):
        broker.send(name, b"%d" % number, {})
    with messages_of(broker, name) as found, broker.mover() as mover:
        chosen = [each.message_id for each in found if each.body in (b"2", b"7")]
        done = mover.replace(
            name,
            chosen,
            lambda held: [Outgoing(new, each.body + b"!", {"x-a": "b"}) for each in held],
        )

    assert sorted(done) == sorted(chosen)
    with messages_of(broker, name) as left:
        assert sorted(each.body for each in left) == [b"0", b"1", b"3", b"4", b"5", b"6", b"8"]
        assert all("redelivered" not in each.headers for each in left)
    with messages_of(broker, new) as copies:
        assert sorted(each.body for each in copies) == [b"2!", b"7!"]
        assert copies[0].headers["x-a"] == "b"


def test_a_replacement_that_fails_changes_nothing(broker: Broker, make: Callable[[], str]) -> None:
    """Both queues are as before, and the same connection can be used again."""
    name = make()
    broker.send(name, b"a", {})

    def fail(_found: Sequence[QueuedMessage]) -> list[Outgoing]:
        raise ValueError("no copy")

    with messages_of(broker, name) as found, broker.mover() as mover:
        (message,) = found
        with pytest.raises(ValueError, match="no copy"):
            mover.replace(name, [message.message_id], fail)
        assert mover.replace(name, [message.message_id], lambda _found: []) == [message.message_id]

    assert bodies(broker, name) == []
