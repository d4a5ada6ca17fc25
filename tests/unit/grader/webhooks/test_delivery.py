"""One attempt to deliver a webhook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from https_receiver import Receiver, answer, receiving
from standardwebhooks import Webhook

from grader.adapters.webhook import HttpsWebhookClient, sign
from grader.commands.webhooks import report_of
from grader.ports.results import Answer, SignedPost
from grader.webhooks.delivery import Attempt, Deliverer
from grader.webhooks.guard import HostRules
from grader.webhooks.signing import Keys

SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
KEYS = Keys((SECRET,), {"localhost": {"Authorization": "Bearer token"}})
LOCAL = HostRules.parse("", "localhost,receiver.internal")
PUBLIC = HostRules.parse("*", "")
NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


class Resolving(HttpsWebhookClient):
    """Resolves as a test wants, one answer after the other; the last one stays."""

    def __init__(self, ca_file: Path, *answers: Sequence[str]) -> None:
        super().__init__(ca_file)
        self.answers = list(answers)

    def resolve(self, host: str, port: int) -> list[str]:  # noqa: ARG002 - parameters of the port
        """Give the next answer."""
        return list(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])


class Answering:
    """A client without a network."""

    def __init__(self, found: Answer | Exception, addresses: Sequence[str] = ("1.1.1.1",)) -> None:
        self.found = found
        self.addresses = addresses
        self.posts: list[SignedPost] = []

    def resolve(self, host: str, port: int) -> Sequence[str]:  # noqa: ARG002 - parameters of the port
        """Give the addresses."""
        return self.addresses

    def post(self, request: SignedPost, deadline: float) -> Answer:  # noqa: ARG002 - parameter of the port
        """Answer."""
        self.posts.append(request)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A real receiver."""
    with receiving(tmp_path, "localhost", "receiver.internal") as running:
        yield running


@pytest.fixture
def deliver(receiver: Receiver) -> Callable[..., Attempt]:
    """Deliver to the receiver, or to another URL."""
    made = Deliverer(HttpsWebhookClient(receiver.ca_file), LOCAL, sign, seconds=0.5)
    return lambda url=receiver.url: made.attempt("msg_1", url, b'{"a":1}', KEYS)


def judged(found: Answer | Exception, url: str = "https://hooks.example.com/") -> Attempt:
    """An attempt with this answer."""
    made = Deliverer(Answering(found), PUBLIC, sign, clock=lambda: NOW)
    return made.attempt("msg_1", url, b"{}", KEYS)


def test_a_delivery_is_signed_and_has_the_headers_of_its_host(
    deliver: Callable[..., Attempt], receiver: Receiver
) -> None:
    """Receivers that want a header get it, and verify the body."""
    attempt = deliver()

    assert attempt.succeeded
    assert (attempt.status, attempt.address) == (204, "127.0.0.1")
    arrived = receiver.next()
    assert Webhook(SECRET).verify(arrived.body, arrived.headers) == {"a": 1}
    assert arrived.headers["Authorization"] == "Bearer token"
    assert arrived.headers["webhook-id"] == "msg_1"


def test_a_host_that_leads_elsewhere_the_second_time_is_refused(receiver: Receiver) -> None:
    """It is resolved and judged before each attempt, and connected to at that address."""
    client = Resolving(receiver.ca_file, ["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1", "::1"])
    made = Deliverer(client, LOCAL, sign)

    attempts = [made.attempt("msg_1", receiver.url, b"{}", KEYS) for _ in range(3)]

    assert attempts[0].succeeded
    assert "169.254.169.254" in attempts[1].reason
    assert not attempts[1].is_final
    assert attempts[2].succeeded


@pytest.mark.parametrize("address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1"])
def test_a_public_host_never_leads_inside(address: str) -> None:
    """Nothing is sent."""
    client = Answering(Answer(204), ["1.1.1.1", address])

    attempt = Deliverer(client, PUBLIC, sign).attempt("m", "https://h.example/", b"{}", KEYS)

    assert address in attempt.reason
    assert not client.posts


def test_an_address_without_a_listener_leads_to_the_next(receiver: Receiver) -> None:
    """A host may have an address of a version that this network lacks."""
    client = Resolving(receiver.ca_file, ["::1", "127.0.0.1"])

    attempt = Deliverer(client, LOCAL, sign).attempt("m", receiver.url, b"{}", KEYS)

    assert attempt.succeeded
    assert attempt.address == "127.0.0.1"


def test_a_refused_host_is_final(deliver: Callable[..., Attempt]) -> None:
    """The rules will not change by waiting."""
    for url in ("https://other.example/", "http://localhost/", "no url"):
        attempt = deliver(url)
        assert attempt.is_final
        assert attempt.reason


def test_a_receiver_that_hangs_is_slow(deliver: Callable[..., Attempt], receiver: Receiver) -> None:
    """Its time counts."""
    receiver.behaviours = [receiver.hang]

    attempt = deliver()

    assert "no answer in time" in attempt.reason
    assert attempt.seconds >= 0.5


@pytest.mark.parametrize(
    ("status", "reason"),
    [(301, "redirects"), (400, "HTTP 400: why"), (404, "HTTP 404"), (500, "HTTP 500: why")],
)
def test_any_other_status_is_a_failure_that_is_tried_again(status: int, reason: str) -> None:
    """With the beginning of what the receiver says."""
    attempt = judged(Answer(status, excerpt="why\n\x1b[2J"))

    assert reason in attempt.reason
    assert attempt.reason.isprintable()
    assert not attempt.is_final


def test_gone_is_final() -> None:
    """The receiver wants no more of it."""
    assert judged(Answer(410)).is_final


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("7", timedelta(seconds=7)),
        ("99999999999999999999", timedelta(days=1)),
        ("Mon, 30 Nov 2026 12:01:00 GMT", timedelta(minutes=1)),
        ("Mon, 30 Nov 2020 12:01:00 GMT", timedelta()),
        ("Mon, 30 Nov 2026 12:01:00", timedelta(minutes=1)),
        *[(text, None) for text in ("", "-5", "soon", "1.5", "²", "Mon, 99 Nov 2026 12:01:00 GMT")],
    ],
)
def test_the_time_to_wait_is_read(text: str, expected: timedelta | None) -> None:
    """Seconds, or a date; anything else is ignored."""
    assert judged(Answer(503, retry_after=text)).retry_after == expected


def test_a_test_of_a_url_reports_each_step(receiver: Receiver) -> None:
    """What a user needs who waits for a callback that never comes."""
    made = Deliverer(HttpsWebhookClient(receiver.ca_file), LOCAL, sign)

    good = report_of(made, receiver.url, KEYS)
    refused = report_of(made, "https://example.com/", KEYS)
    unresolved = report_of(made, "https://receiver.internal:1/", KEYS)

    assert good.succeeded
    assert "answer     ok: HTTP 204" in "\n".join(good.lines)
    assert b'"webhook.test"' in receiver.next().body
    assert "not in WEBHOOK_ALLOWED_HOSTS" in refused.lines[0]
    assert "cannot be resolved" in unresolved.lines[1]
    assert not refused.succeeded
    assert not unresolved.succeeded


def test_a_failing_receiver_is_reported_with_its_answer(receiver: Receiver) -> None:
    """And the status code."""
    receiver.behaviours = [answer(401, b"who are you?")]
    made = Deliverer(HttpsWebhookClient(receiver.ca_file), LOCAL, sign)

    report = report_of(made, receiver.url, KEYS)

    assert "HTTP 401: who are you?" in report.lines[-1]
