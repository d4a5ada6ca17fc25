"""
The faults: each is injected when its block begins, and has ended when the block has ended.

A fault yields a function that waits until the workers have met it, so that a fault never ends
before it had any effect.
"""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import TypeVar

from chaos.dose import Dose
from chaos.engines import Broker
from chaos.queues import VISIBILITY_SECONDS, SqsQueues
from chaos.site import Site
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.adapters.activemq.outbox import send_frame
from grader.errors import ConnectionLostError

_Found = TypeVar("_Found")
Met = Callable[[], None]
Fault = Callable[[Site, Dose], AbstractContextManager[Met]]

_BUSY, _STARTED = "Processing request", "Worker started"
_LOST = tuple(
    f"{words} {part}{ending}"
    for part in ("broker", "queue")
    for words, ending in (("Connection to the", " lost"), ("Waiting for the", ""))
)
_NOT_PUSHED, _PUSHED_AGAIN = "Results not passed on to Redis", "Results passed on to Redis again"
_LISTENS = "API listens on"
_LIMIT_SECONDS = 300.0
_HOUR = 3600
_FILLER_QUEUE = "chaos-filler"
_FILLER = b"x" * (256 << 10)
_FULL_PERCENT = 100
#: A producer without a receipt for so long asks whether the store is full.
_BLOCKED_SECONDS = 3.0
_DISTURBED_REQUESTS = 6
_LATE_SECONDS = 2.0
_PAUSE_SECONDS = 0.1


@contextmanager
def nothing(_site: Site, _dose: Dose) -> Iterator[Met]:
    """No fault: the baseline."""
    yield lambda: None


@contextmanager
def kill_workers(site: Site, dose: Dose) -> Iterator[Met]:
    """`kill -9` of a worker at random while it has a request, several times."""
    busy = site.workers.expect(_BUSY)

    def kill() -> None:
        for number in range(dose.rounds):
            busy() if not number else site.workers.expect(_BUSY)()
            started = site.workers.expect(_STARTED)
            site.workers.kill_one()
            started()

    yield kill


@contextmanager
def terminate_workers(site: Site, dose: Dose) -> Iterator[Met]:
    """SIGTERM to all workers at once, several times, as a deployment or a scale-in does."""
    busy = site.workers.expect(_BUSY)

    def terminate() -> None:
        for number in range(dose.rounds):
            busy() if not number else site.workers.expect(_BUSY)()
            started = site.workers.expect(_STARTED, count=2)
            site.workers.signal_all(signal.SIGTERM)
            started()

    yield terminate


@contextmanager
def kill_broker(site: Site, _dose: Dose) -> Iterator[Met]:
    """`kill -9` of the broker, which starts again on its store."""
    met = site.workers.expect("Waiting for the broker")
    site.broker.kill()
    try:
        yield met
    finally:
        site.broker.start()


@contextmanager
def stop_database(site: Site, _dose: Dose) -> Iterator[Met]:
    """`kill -9` of MariaDB, which recovers its tables when it starts again."""
    met = site.workers.expect("Waiting for the database")
    site.database.kill()
    try:
        yield met
    finally:
        site.database.start()


@contextmanager
def s3_errors(site: Site, _dose: Dose) -> Iterator[Met]:
    """S3 answers every request of a worker with 500."""
    met = site.bucket.expect(_DISTURBED_REQUESTS)
    site.bucket.fails = True
    try:
        yield met
    finally:
        site.bucket.fails = False


@contextmanager
def s3_slow(site: Site, _dose: Dose) -> Iterator[Met]:
    """Each answer of S3 to a worker comes two seconds late."""
    met = site.bucket.expect(_DISTURBED_REQUESTS)
    site.bucket.delay_seconds = _LATE_SECONDS
    try:
        yield met
    finally:
        site.bucket.delay_seconds = 0.0


@contextmanager
def tcp_cut(site: Site, dose: Dose) -> Iterator[Met]:
    """The connections to queues and database end in the middle of a message, several times."""

    def cut() -> None:
        to_queues, to_database = site.links
        for _ in range(dose.rounds):
            ends = _wait_for(to_queues.cut_half_way)  # none while no worker is connected
            ends += to_database.cut_half_way()
            assert any(end.wait(_LIMIT_SECONDS) for end in ends)

    yield cut


@contextmanager
def tcp_stall(site: Site, _dose: Dose) -> Iterator[Met]:
    """
    The open connections to queues and database carry nothing more, and never end.

    The SDK of SQS itself repeats a call, so a worker notices nothing; it has to go on.
    """
    on_sqs = isinstance(site.queues, SqsQueues)
    met = site.results.expect(1) if on_sqs else site.workers.expect(*_LOST)
    for link in site.links:
        link.stall()
    yield met


@contextmanager
def fill_store(site: Site, _dose: Dose) -> Iterator[Met]:
    """Another producer fills the broker's store, which then accepts no message."""
    site.workers.signal_all(signal.SIGSTOP)  # so that they have requests left when it is full
    blocked = site.workers.expect("a queue may be full")

    def fill() -> None:
        site.queues.await_waiting()
        while not _store_is_full(site.broker):
            _send_until_blocked(site.broker)
        site.workers.signal_all(signal.SIGCONT)
        blocked()

    try:
        yield fill
    finally:
        site.workers.signal_all(signal.SIGCONT)
        _empty_store(site.broker)


@contextmanager
def rotate_passwords(site: Site, _dose: Dose) -> Iterator[Met]:
    """
    The workers' passwords for broker and database change, and the broker reboots.

    The order is that of `gradectl secrets rotate`: parameter, user, reboot. The workers stay.
    """
    lost = site.workers.expect(*_LOST)
    for_broker, for_database = (f"a-Password-{secrets.token_hex(8)}" for _ in range(2))
    site.set_parameter("mq/password", for_broker)
    site.set_parameter("db/password", for_database)
    site.database.set_password(for_database)
    site.broker.passwords["worker"] = for_broker
    site.broker.stop()
    site.links[1].cut_half_way()  # so that the next connection needs the new password
    site.broker.start()
    yield lost


@contextmanager
def clock_jump(site: Site, _dose: Dose) -> Iterator[Met]:
    """The time of day of workers and broker jumps an hour ahead, then an hour back."""
    ahead, back = site.results.expect(2), site.results.expect(4)
    site.clock.set(_HOUR)

    def jump() -> None:
        ahead()
        site.clock.set(-_HOUR)
        back()

    try:
        yield jump
    finally:
        site.clock.set(0)


@contextmanager
def full_disk(site: Site, _dose: Dose) -> Iterator[Met]:
    """The disk of the workers has no byte left: boxes, caches and temporary files."""
    met = site.workers.expect("Attempt failed")
    hog = site.disk / "hog"
    _fill(hog)
    try:
        yield met
    finally:
        hog.unlink()


@contextmanager
def freeze_workers(site: Site, dose: Dose) -> Iterator[Met]:
    """A worker stops for longer than SQS hides its request, several times; then it goes on."""
    busy = site.workers.expect(_BUSY)

    def freeze() -> None:
        for number in range(dose.rounds):
            busy() if not number else site.workers.expect(_BUSY)()
            go_on = site.workers.freeze_one()
            threading.Event().wait(VISIBILITY_SECONDS + 1)
            go_on()

    try:
        yield freeze
    finally:
        site.workers.signal_all(signal.SIGCONT)


@contextmanager
def throttle_sqs(site: Site, dose: Dose) -> Iterator[Met]:
    """SQS refuses two of three calls of the workers, until it has refused so many."""
    throttling = site.sqs.throttling
    throttling.throttle(dose.throttled_calls)
    try:
        yield throttling.await_throttled
    finally:
        throttling.throttle(0)


@contextmanager
def lose_sqs(site: Site, _dose: Dose) -> Iterator[Met]:
    """Nothing answers at the address of SQS."""
    met = site.workers.expect(*_LOST)
    site.links[0].cut()
    try:
        yield met
    finally:
        site.links[0].open()


@contextmanager
def kill_redis(site: Site, _dose: Dose) -> Iterator[Met]:
    """`kill -9` of Redis, which starts again without any value."""
    met, over = _outage_of_redis(site)
    site.redis.kill()
    try:
        yield met
    finally:
        site.redis.start()
    over()


@contextmanager
def freeze_redis(site: Site, _dose: Dose) -> Iterator[Met]:
    """Redis stops, and its connections stay open; then it goes on."""
    met, over = _outage_of_redis(site)
    site.redis.freeze()
    try:
        yield met
    finally:
        site.redis.thaw()
    over()


@contextmanager
def kill_api(site: Site, dose: Dose) -> Iterator[Met]:
    """`kill -9` of both processes of the API, then of one at random, while callers submit."""
    processes = site.web.processes
    failed, listening = site.web.expect_failed(), processes.expect(_LISTENS, count=2)
    processes.signal_all(signal.SIGKILL)

    def kill() -> None:
        failed()
        listening()
        for _ in range(dose.rounds):
            again = processes.expect(_LISTENS)
            processes.kill_one()
            again()

    yield kill


FAULTS: dict[str, Fault] = {
    "kill_workers": kill_workers,
    "terminate_workers": terminate_workers,
    "kill_broker": kill_broker,
    "stop_database": stop_database,
    "s3_errors": s3_errors,
    "s3_slow": s3_slow,
    "tcp_cut": tcp_cut,
    "tcp_stall": tcp_stall,
    "fill_store": fill_store,
    "rotate_passwords": rotate_passwords,
    "clock_jump": clock_jump,
    "full_disk": full_disk,
    "kill_redis": kill_redis,
    "freeze_redis": freeze_redis,
    "kill_api": kill_api,
    "freeze_workers": freeze_workers,
    "throttle_sqs": throttle_sqs,
    "lose_sqs": lose_sqs,
}
_ONLY_BROKER = frozenset({"kill_broker", "fill_store", "rotate_passwords"})
_ONLY_SQS = frozenset({"freeze_workers", "throttle_sqs", "lose_sqs"})
#: The faults of each transport.
FAULTS_OF = {
    "activemq": tuple(each for each in FAULTS if each not in _ONLY_SQS),
    "sqs": tuple(each for each in FAULTS if each not in _ONLY_BROKER),
}
#: Those that last for a while after the workers have met them; the others are over at once.
LASTING = frozenset(
    {
        "kill_broker",
        "stop_database",
        "s3_errors",
        "s3_slow",
        "fill_store",
        "full_disk",
        "kill_redis",
        "freeze_redis",
        "lose_sqs",
    }
)
#: Those whose requests come by the HTTP API.
OVER_HTTP = frozenset({"kill_api"})


def _outage_of_redis(site: Site) -> tuple[Met, Met]:
    """Return functions that wait until a worker has met an outage, and until each one is over."""
    start = len(site.workers.lines)
    met = site.workers.expect(_NOT_PUSHED)

    def over() -> None:
        lines = site.workers.lines[start:]
        outages, ends = (
            sum(words in line for line in lines) for words in (_NOT_PUSHED, _PUSHED_AGAIN)
        )
        site.workers.expect(_PUSHED_AGAIN, count=outages - ends)()

    return met, over


def _wait_for(find: Callable[[], _Found]) -> _Found:
    """Repeat a call until it finds something."""
    deadline = monotonic() + _LIMIT_SECONDS
    pause = threading.Event()
    while not (found := find()):
        assert monotonic() < deadline, f"nothing from {find}"
        pause.wait(_PAUSE_SECONDS)
    return found


def _send_until_blocked(broker: Broker) -> None:
    """Send fillers until one gets no receipt."""
    producer = broker.connect()
    with suppress(ConnectionLostError):
        while True:
            producer._transmit([send_frame(_FILLER_QUEUE, _FILLER, {"receipt": "stored"})])
            producer._inbox.await_receipt("stored", _BLOCKED_SECONDS)
    producer.drop()


def _store_is_full(broker: Broker) -> bool:
    with closing(broker.connect()) as connection:
        ((_, usage, _),) = ActiveMQQueueInspector(connection)._query({"broker": "Broker"})
    return int(str(usage["storePercentUsage"])) >= _FULL_PERCENT


def _empty_store(broker: Broker) -> None:
    """Read what fills the store, until its queue is empty."""
    with closing(broker.connect()) as consumer, closing(broker.connect()) as connection:
        inspector = ActiveMQQueueInspector(connection)
        consumer.subscribe(_FILLER_QUEUE, headers={"ack": "auto", "activemq.prefetchSize": "10"})

        def is_empty() -> bool:
            while consumer.next_frame(0.0):
                pass
            return not any(each.size for each in inspector.statistics([_FILLER_QUEUE]).values())

        _wait_for(is_empty)


def _fill(file: Path) -> None:
    """Write until the disk is full."""
    with suppress(OSError), file.open("wb", buffering=0) as hog:
        for block in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while True:
                    hog.write(bytes(block))
