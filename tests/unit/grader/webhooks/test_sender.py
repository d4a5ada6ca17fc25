"""Sending what is in the outbox."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from queue import SimpleQueue
from typing import Any, ClassVar

import pytest
from https_receiver import Receiver, answer, receiving
from standardwebhooks import Webhook

from grader.adapters.webhook import HttpsWebhookClient, check_secrets, sign
from grader.contract.callbacks import Callback
from grader.contract.messages import Grade, GradingResult
from grader.contract.verdicts import Status, Verdict
from grader.errors import AccessError, TemporaryError
from grader.logs import Redactor, make_logger
from grader.ports.results import Answer, DeliveryStatus, SignedPost, WebhookDelivery
from grader.testing import MemoryJobStore, MemoryParameterStore
from grader.webhooks.delivery import Deliverer
from grader.webhooks.guard import HostRules, host_of
from grader.webhooks.sender import WebhookSender
from grader.webhooks.shares import Limits
from grader.webhooks.signing import Signing

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
GRADE = Grade(verdict=Verdict.ACCEPTED, score=100, execution_time=1, memory_usage=1)
QUICK = Limits(threads=4, per_host=2, held=16, idle_seconds=0.05, retry_seconds=0.02)


class Clock:
    """A clock that tests advance."""

    now = NOW

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


class Outgoing:
    """A client without a network: tests see each post and answer it."""

    def __init__(self) -> None:
        self.posts: SimpleQueue[SignedPost] = SimpleQueue()
        self.answers: dict[str, Answer | Exception] = {}
        self.hanging: dict[str, threading.Event] = {}

    def resolve(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002 - parameters of the port
        """A public address."""
        return ["1.1.1.1"]

    def post(self, request: SignedPost, deadline: float) -> Answer:  # noqa: ARG002 - parameter of the port
        """Hang, fail or answer."""
        self.posts.put(request)
        if request.host in self.hanging:
            self.hanging[request.host].wait(20)
        found = self.answers.get(request.host, Answer(204))
        if isinstance(found, Exception):
            raise found
        return found


class World:
    """A table of jobs whose webhooks are sent."""

    def __init__(self, client: Any = None, limits: Limits = QUICK) -> None:
        self.clock = Clock()
        self.jobs = MemoryJobStore(now=self.clock)
        self.outbox: Any = self.jobs.outbox
        self.client = client or Outgoing()
        self.limits = limits
        self.log = StringIO()
        self.values = {"/dev/webhook/secret": SECRET}
        self.rules = HostRules.parse("*", "localhost")
        self.refreshed = threading.Event()

    def sender(self) -> WebhookSender:
        """A sender."""
        redactor = Redactor()
        log = make_logger("json", "INFO", redactor=redactor, stream=self.log)
        names = ("/dev/webhook/secret", "")
        store = MemoryParameterStore(self.values)
        return WebhookSender(
            self.outbox,
            Deliverer(self.client, self.rules, sign, seconds=5),
            Signing(store, names, hide=redactor.hide, check=check_secrets),
            log,
            limits=self.limits,
            refresh=self.refreshed.set,
        )

    @contextmanager
    def sending(self) -> Iterator[WebhookSender]:
        """Send while the block runs."""
        sender = self.sender()
        with sender.in_background():
            yield sender

    def finish(self, request_id: str, url: str = "https://hooks.example.com/a") -> None:
        """Store a result with a webhook."""
        result = GradingResult(
            request_id=request_id, status=Status.COMPLETED, result=GRADE, timestamp=NOW
        )
        self.jobs.finish(result, callback=Callback(url, host=host_of(url)))

    def wait_for(self, is_reached: Callable[[list[WebhookDelivery]], bool]) -> list[Any]:
        """Wait until the outbox is in a state."""
        tick = threading.Event()
        for _ in range(1000):
            found = list(self.jobs.outbox.find())
            if is_reached(found):
                return found
            tick.wait(0.01)
        pytest.fail(f"not reached: {found}")

    def wait_until_all(self, status: DeliveryStatus) -> list[Any]:
        """Wait until all deliveries have a status."""
        return self.wait_for(lambda found: all(each.status is status for each in found))


def test_a_webhook_reaches_a_real_receiver(tmp_path: Path) -> None:
    """First it fails, then it is sent again with the same id, and verified."""
    with receiving(tmp_path) as receiver:
        receiver.behaviours = [answer(500, b"not yet"), answer(200, b"thanks")]
        world = World(HttpsWebhookClient(receiver.ca_file))
        world.finish("req_1", receiver.url)
        with world.sending():
            first = receiver.next()
            world.wait_for(lambda found: found[0].attempts == 1)
            (failed,) = world.jobs.outbox.find()
            world.clock.now += timedelta(seconds=10)
            second = receiver.next()
            (done,) = world.wait_until_all(DeliveryStatus.DELIVERED)

    assert "HTTP 500: not yet" in failed.last_error
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == done.delivery_id
    data = Webhook(SECRET).verify(second.body, second.headers)["data"]
    assert (data["requestId"], data["result"]["verdict"]) == ("req_1", "AC")
    assert done.attempts == 2


def test_a_result_wakes_the_sender() -> None:
    """It does not wait for the next look."""
    world = World(limits=Limits(idle_seconds=3600))
    with world.sending() as sender:
        world.finish("req_1")
        sender.wake()
        assert world.client.posts.get(timeout=10).host == "hooks.example.com"
        world.wait_until_all(DeliveryStatus.DELIVERED)


class Unreadable:
    """An outbox in which one request has a result that cannot be read."""

    def __init__(self, outbox: Any) -> None:
        self._outbox = outbox

    def __getattr__(self, name: str) -> Any:
        """The rest is that of the real one."""
        return getattr(self._outbox, name)

    def jobs(self, request_ids: Sequence[str]) -> Any:
        """Read the rows of requests."""
        rows = self._outbox.jobs(request_ids)
        return {
            key: replace(row, result_json="{}") if key == "bad" else row
            for key, row in rows.items()
        }


def test_a_result_that_cannot_be_read_holds_up_no_other_one() -> None:
    """Such as one of a newer worker, after a rollback; it is tried again."""
    world = World()
    world.outbox = Unreadable(world.outbox)
    for request_id in ("req_1", "bad", "req_2"):
        world.finish(request_id)
    with world.sending():
        found = world.wait_for(lambda found: _delivered(found) == 2 and _tried(found) == 3)

    (bad,) = [each for each in found if each.status is not DeliveryStatus.DELIVERED]
    assert (bad.subject, bad.status, bad.attempts) == ("bad", DeliveryStatus.PENDING, 1)
    assert "cannot be read" in bad.last_error


def _tried(found: list[WebhookDelivery]) -> int:
    return sum(each.attempts > 0 for each in found)


def test_a_receiver_that_hangs_does_not_hold_up_others() -> None:
    """It gets its share of the threads, and all others go on."""
    world = World()
    world.client.hanging["slow.example"] = threading.Event()
    for number in range(6):
        world.finish(f"slow_{number}", "https://slow.example/")
    for number in range(20):
        world.finish(f"quick_{number}")
    with world.sending():
        world.wait_for(lambda found: _delivered(found) == 20)
        world.client.hanging["slow.example"].set()
        world.wait_until_all(DeliveryStatus.DELIVERED)


def _delivered(found: list[WebhookDelivery]) -> int:
    return sum(each.status is DeliveryStatus.DELIVERED for each in found)


def test_a_batch_is_sent_after_a_day_at_the_latest() -> None:
    """With what has ended until then, as `finished` and `size` say."""
    world = World()
    result = GradingResult(request_id="req_1", status=Status.COMPLETED, result=GRADE, timestamp=NOW)
    callback = Callback("https://hooks.example.com/", "batch_1", 2, host="hooks.example.com")
    world.jobs.finish(result, callback=callback)
    world.clock.now += timedelta(days=1, seconds=1)
    with world.sending():
        post = world.client.posts.get(timeout=10)
        world.wait_until_all(DeliveryStatus.DELIVERED)

    data = json.loads(post.body)["data"]
    assert (data["finished"], data["size"]) == (1, 2)


def test_two_senders_deliver_each_webhook_once() -> None:
    """As two workers do."""
    world = World()
    for number in range(40):
        world.finish(f"req_{number}", f"https://h{number % 7}.example/")
    with world.sending(), world.sending():
        world.wait_until_all(DeliveryStatus.DELIVERED)

    posts = [world.client.posts.get_nowait() for _ in range(world.client.posts.qsize())]
    ids = [each.headers["webhook-id"] for each in posts]
    assert len(ids) == len(set(ids)) == 40


def test_a_webhook_is_dead_after_its_last_attempt() -> None:
    """After a day and a few hours, with the last reason."""
    world = World()
    world.client.answers["hooks.example.com"] = Answer(500, excerpt="broken")
    world.finish("req_1")
    with world.sending():
        for attempt in range(1, 9):
            world.wait_for(lambda found, wanted=attempt: found[0].attempts == wanted)
            world.clock.now += timedelta(hours=13)
        (dead,) = world.wait_until_all(DeliveryStatus.DEAD)

    assert (dead.attempts, dead.last_error) == (8, "HTTP 500: broken")
    assert "it is dead" in world.log.getvalue()


def test_a_receiver_that_wants_no_more_gets_no_more() -> None:
    """410 ends a delivery at once."""
    world = World()
    world.client.answers["hooks.example.com"] = Answer(410)
    world.finish("req_1")
    with world.sending():
        (dead,) = world.wait_until_all(DeliveryStatus.DEAD)

    assert dead.attempts == 1


def test_a_sender_that_dies_is_replaced() -> None:
    """What it had taken is due again when its lease ends."""
    world = World()
    world.finish("req_1")
    world.jobs.outbox.take(10, timedelta(seconds=90), busy={}, most_per_host=9)
    with world.sending():
        world.clock.now += timedelta(seconds=91)
        world.wait_until_all(DeliveryStatus.DELIVERED)


def test_the_end_waits_for_what_is_being_sent() -> None:
    """For two seconds; it is noted as delivered then."""
    world = World()
    hold = world.client.hanging["hooks.example.com"] = threading.Event()
    world.finish("req_1")
    with world.sending():
        world.client.posts.get(timeout=10)
        hold.set()

    (done,) = world.jobs.outbox.find()
    assert done.status is DeliveryStatus.DELIVERED


def test_what_waits_for_a_slow_receiver_is_given_back() -> None:
    """Its lease would end while it waits; another sender may have more luck."""
    world = World()
    for number in range(6):
        world.finish(f"req_{number}", "https://slow.example/")
    world.client.answers["slow.example"] = TemporaryError("no answer in time")
    sender = world.sender()
    sender.deliverer = Slow(world.client, world.rules, sign)
    with sender.in_background():
        world.wait_for(lambda found: all(each.attempts == 1 for each in found))
        most = max(sender.deliverer.together)

    assert most <= 2
    assert sender.deliverer.together[-1] == 1


def test_full_threads_wait_for_a_report_and_not_for_the_database() -> None:
    """What is due to a slow receiver meanwhile is not taken and given back without end."""
    world = World(limits=replace(QUICK, threads=2, idle_seconds=5.0))
    world.client.hanging = {f"hangs-{n}.example": threading.Event() for n in range(2)}
    world.client.answers["slow.example"] = TemporaryError("no answer in time")
    world.finish("req_slow", "https://slow.example/")
    sender = world.sender()
    sender.deliverer = Slow(world.client, world.rules, sign)
    with sender.in_background():
        world.wait_for(lambda found: found[0].attempts == 1)
        for number, host in enumerate(world.client.hanging):
            world.finish(f"req_{number}", f"https://{host}/")
        sender.wake()
        posts = {world.client.posts.get(timeout=20).host for _ in range(3)}
        world.clock.now += timedelta(hours=1)  # the slow one is due again
        takes: list[int] = []
        take = world.outbox.take
        world.outbox.take = lambda *args, **named: (takes.append(1), take(*args, **named))[1]
        sender.wake()
        tick = threading.Event()
        assert any(takes or tick.wait(0.01) for _ in range(1000))
        tick.wait(0.2)  # thousands of rounds, if they do not wait
        for event in world.client.hanging.values():
            event.set()

    assert posts == {"slow.example", *world.client.hanging}
    assert len(takes) < 20


class Slow(Deliverer):
    """Says that each attempt took long; notes how many run together."""

    together: ClassVar[list[int]] = []
    running: ClassVar[list[str]] = []

    def attempt(self, delivery_id: str, *args: Any) -> Any:
        """Make an attempt."""
        self.running.append(delivery_id)
        self.together.append(len(self.running))
        found = super().attempt(delivery_id, *args)
        self.running.remove(delivery_id)
        return replace(found, seconds=9.0)


def test_the_end_gives_back_what_was_not_sent() -> None:
    """Another sender takes it at once."""
    world = World()
    hold = world.client.hanging["hooks.example.com"] = threading.Event()
    for number in range(5):
        world.finish(f"req_{number}")
    with world.sending():
        world.client.posts.get(timeout=10)
        world.client.posts.get(timeout=10)
        threading.Timer(0.1, hold.set).start()

    found = world.jobs.outbox.take(9, timedelta(seconds=60), busy={}, most_per_host=9)
    assert len(found) == 3


def test_an_outbox_that_is_away_is_tried_again() -> None:
    """One line in the log for an outage, and one for its end; a refused login is refreshed."""
    world = World()
    real = world.outbox

    class Away:
        errors: list[Exception] = [TemporaryError("away")] * 3 + [AccessError("refused")]

        def __getattr__(self, name: str) -> Any:
            if self.errors:
                raise self.errors.pop(0)
            return getattr(real, name)

    world.outbox = Away()
    world.finish("req_1")
    with world.sending():
        world.wait_until_all(DeliveryStatus.DELIVERED)

    messages = [json.loads(line)["message"] for line in world.log.getvalue().splitlines()]
    assert messages.count("Webhooks cannot be sent now") == 2
    assert messages.count("Webhooks are sent again") == 1
    assert world.refreshed.is_set()


def test_a_missing_secret_is_logged_and_read_again() -> None:
    """Nothing is taken and nothing counts as an attempt meanwhile."""
    world = World()
    del world.values["/dev/webhook/secret"]
    world.finish("req_1")
    with world.sending() as sender:
        world.wait_for(lambda _found: "not found" in world.log.getvalue())
        (waiting,) = world.jobs.outbox.find()
        store: Any = sender.signing.store
        store.values["/dev/webhook/secret"] = SECRET
        world.wait_until_all(DeliveryStatus.DELIVERED)

    assert waiting.attempts == 0


def test_an_error_of_the_sender_itself_is_a_failed_attempt() -> None:
    """It is tried again, and the threads live on."""
    world = World()
    world.client.answers["hooks.example.com"] = ValueError("bug")
    world.finish("req_1")
    world.finish("req_2", "https://other.example/")
    with world.sending():
        world.wait_for(lambda found: {each.attempts for each in found} == {1})

    reasons = {each.subject: each.last_error for each in world.jobs.outbox.find()}
    assert reasons == {"req_1": "ValueError in the sender", "req_2": ""}


def test_the_log_counts_and_names_the_requests() -> None:
    """For `gradectl logs --request`, and for a metric filter."""
    world = World()
    world.client.answers["bad.example"] = Answer(500)
    world.finish("req_1")
    world.finish("req_2", "https://bad.example/")
    with world.sending():
        world.wait_for(lambda found: {each.attempts for each in found} == {1})

    lines = [json.loads(line) for line in world.log.getvalue().splitlines()]
    named = {each["request_id"]: each["level"] for each in lines if "request_id" in each}
    assert named == {"req_1": "info", "req_2": "warning"}
    (counted,) = [each for each in lines if "webhooks_delivered" in each]
    counts = (counted["webhooks_delivered"], counted["webhooks_failed"], counted["webhooks_dead"])
    assert counts == (1, 1, 0)
    assert SECRET not in world.log.getvalue()


def test_a_receiver_that_refuses_the_time_is_named(tmp_path: Path) -> None:
    """A sender whose clock is wrong sees why in the reason."""

    def verify(handler: Any) -> None:
        receiver: Receiver = handler.server.receiver
        request = receiver.next()
        try:
            Webhook(SECRET).verify(request.body, request.headers)
        except Exception as error:  # noqa: BLE001 - what a receiver does
            return answer(400, str(error).encode())(handler)
        return answer(204)(handler)

    with receiving(tmp_path) as receiver:
        world = World(HttpsWebhookClient(receiver.ca_file))
        receiver.behaviours = [lambda handler: verify(_with(handler, receiver))]
        world.finish("req_1", receiver.url)
        sender = world.sender()
        wrong = Deliverer(
            world.client, world.rules, sign, clock=lambda: datetime.now(UTC) - timedelta(minutes=9)
        )
        sender.deliverer = wrong
        with sender.in_background():
            (failed,) = world.wait_for(lambda found: found[0].attempts == 1)

    assert "timestamp too old" in failed.last_error


def _with(handler: Any, receiver: Receiver) -> Any:
    handler.server.receiver = receiver
    return handler
