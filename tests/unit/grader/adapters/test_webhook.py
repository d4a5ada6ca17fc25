"""Posting to a real receiver over TLS."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import SHUT_RDWR
from typing import Any

import pytest
import trustme
from https_receiver import Receiver, answer, receiving
from standardwebhooks import Webhook, WebhookVerificationError

from grader.adapters.webhook import HttpsWebhookClient, check_secrets, sign
from grader.errors import ConnectionLostError, SettingsError, TemporaryError, TrustError
from grader.ports.results import SignedPost
from grader.webhooks.guard import Target, parse_target

SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
OTHER = "whsec_" + "b3RoZXJvdGhlcm90aGVyb3RoZXJvdGhlcg=="
SECONDS = 10.0


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver for localhost and 127.0.0.1."""
    with receiving(tmp_path) as running:
        yield running


@pytest.fixture
def client(receiver: Receiver) -> Iterator[HttpsWebhookClient]:
    """A client that trusts the receiver."""
    made = HttpsWebhookClient(receiver.ca_file)
    yield made
    made.close()


def request_to(url: str, address: str = "127.0.0.1", body: bytes = b"{}") -> SignedPost:
    """A request to an address."""
    target = parse_target(url)
    assert isinstance(target, Target)
    headers = {"Host": target.authority, "Content-Type": "application/json"}
    return SignedPost(target.host, address, target.port, target.path, headers, body)


def post(client: HttpsWebhookClient, request: SignedPost, seconds: float = SECONDS) -> Any:
    """Post within some seconds."""
    return client.post(request, time.monotonic() + seconds)


def test_a_body_arrives_with_its_headers(client: HttpsWebhookClient, receiver: Receiver) -> None:
    """At the address that was given, by the name of the URL."""
    found = post(client, request_to(f"{receiver.url}?a=b", body='{"a":"한국어"}'.encode()))

    arrived = receiver.next()
    assert found.status == 204
    assert (arrived.path, arrived.body.decode()) == ("/hook?a=b", '{"a":"한국어"}')
    assert arrived.headers["Host"] == receiver.url.split("/")[2]
    assert arrived.headers["Content-Type"] == "application/json"


def test_a_connection_is_used_again(client: HttpsWebhookClient, receiver: Receiver) -> None:
    """A handshake costs more than all the rest."""
    for _ in range(3):
        post(client, request_to(receiver.url))

    assert receiver.connections == 1


def test_a_redirect_is_an_answer(client: HttpsWebhookClient, receiver: Receiver) -> None:
    """It is not followed, wherever it leads."""
    receiver.behaviours = [answer(302, Location="https://169.254.169.254/latest/meta-data/")]

    assert post(client, request_to(receiver.url)).status == 302
    receiver.next()
    assert receiver.received.empty()


def test_the_answer_is_read_up_to_a_limit(client: HttpsWebhookClient, receiver: Receiver) -> None:
    """A gigabyte costs as much as a page; the connection is closed."""

    def flood(handler: Any) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(1 << 30))
        handler.end_headers()
        while True:
            handler.wfile.write(b"x" * (1 << 16))

    receiver.behaviours = [flood]

    found = post(client, request_to(receiver.url))

    assert (found.status, found.excerpt) == (200, "x" * 200)
    assert post(client, request_to(receiver.url)).status == 204
    assert receiver.connections == 2


def test_the_time_to_wait_is_passed_on(client: HttpsWebhookClient, receiver: Receiver) -> None:
    """With the beginning of the body, for people."""
    receiver.behaviours = [answer(503, b"busy\xff", Retry_After="7")]

    found = post(client, request_to(receiver.url))

    assert (found.status, found.retry_after, found.excerpt) == (503, "7", "busy\ufffd")


def test_a_receiver_that_hangs_is_left_in_time(
    client: HttpsWebhookClient, receiver: Receiver
) -> None:
    """Without an answer."""
    receiver.behaviours = [receiver.hang]

    with pytest.raises(TemporaryError, match="no answer in time"):
        post(client, request_to(receiver.url), 0.3)


def test_a_receiver_that_drips_is_left_in_time(
    client: HttpsWebhookClient, receiver: Receiver
) -> None:
    """A byte now and then does not begin the time anew."""

    def drip(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        while not receiver.released.wait(0.02):
            handler.wfile.write(b"X-Header: 1\r\n")

    receiver.behaviours = [drip]
    started = time.monotonic()

    with pytest.raises(TemporaryError):
        post(client, request_to(receiver.url), 0.4)
    assert time.monotonic() - started < 5


def test_a_broken_connection_is_an_error_with_a_reason(
    client: HttpsWebhookClient, receiver: Receiver
) -> None:
    """The receiver closes without an answer."""
    receiver.behaviours = [lambda handler: handler.connection.shutdown(SHUT_RDWR)]

    with pytest.raises(TemporaryError, match="connection broke"):
        post(client, request_to(receiver.url))


def test_an_answer_that_is_not_http_is_an_error(
    client: HttpsWebhookClient, receiver: Receiver
) -> None:
    """Whatever it is."""
    receiver.behaviours = [lambda handler: handler.wfile.write(b"SSH-2.0-OpenSSH\r\n\r\n")]

    with pytest.raises(TemporaryError):
        post(client, request_to(receiver.url), 1)


def test_a_closed_port_may_be_open_at_another_address(client: HttpsWebhookClient) -> None:
    """The error tells that nothing was sent."""
    with pytest.raises(ConnectionLostError, match="refused"):
        post(client, request_to("https://localhost:1/"))


def test_a_certificate_for_another_name_is_refused(tmp_path: Path) -> None:
    """The body is not sent."""
    with receiving(tmp_path, "other.example") as receiver:
        client = HttpsWebhookClient(receiver.ca_file)
        with pytest.raises(TrustError, match="not trusted"):
            post(client, request_to(receiver.url))
        assert receiver.received.empty()


def test_a_certificate_of_an_unknown_authority_is_refused(
    tmp_path: Path, receiver: Receiver
) -> None:
    """With the setting that adds one."""
    unknown = tmp_path / "unknown.pem"
    trustme.CA().cert_pem.write_to_path(unknown)

    with pytest.raises(TrustError, match="WEBHOOK_CA_FILE"):
        post(HttpsWebhookClient(unknown), request_to(receiver.url))


def test_receivers_by_address_and_by_ipv6_are_reached(tmp_path: Path) -> None:
    """The certificate names the address."""
    with receiving(tmp_path, host="::1") as receiver:
        client = HttpsWebhookClient(receiver.ca_file)

        assert client.resolve("::1", 443) == ["::1"]
        assert post(client, request_to(receiver.url, "::1")).status == 204
        port = receiver.url.rpartition(":")[2]
        assert post(client, request_to(f"https://localhost:{port}", "::1")).status == 204


def test_a_host_that_does_not_exist_is_an_error(client: HttpsWebhookClient) -> None:
    """Temporary, as DNS is; also with a label that DNS cannot have."""
    for host in ("missing.invalid", "a" * 70 + ".example"):
        with pytest.raises(TemporaryError, match="cannot be resolved"):
            client.resolve(host, 443)


def test_numbers_are_resolved_to_what_they_mean(client: HttpsWebhookClient) -> None:
    """So that they are judged as addresses."""
    assert client.resolve("2130706433", 443) == ["127.0.0.1"]
    assert client.resolve("0x7f.1", 443) == ["127.0.0.1"]


def test_a_missing_authority_is_named(tmp_path: Path) -> None:
    """At the start, and not at the first webhook."""
    with pytest.raises(SettingsError, match="WEBHOOK_CA_FILE"):
        HttpsWebhookClient(tmp_path / "missing.pem")


def test_a_signature_is_that_of_standard_webhooks() -> None:
    """During a rotation, receivers with either secret accept it."""
    body = '{"a":"한국어"}'.encode()

    headers = sign([SECRET, OTHER], "msg_1", datetime.now(UTC), body)

    assert headers["webhook-id"] == "msg_1"
    for secret in (SECRET, OTHER):
        assert Webhook(secret).verify(body, headers) == {"a": "한국어"}


@pytest.mark.parametrize(
    ("change", "body"),
    [
        ({}, b'{"a":2}'),
        ({"webhook-id": "msg_2"}, b'{"a":1}'),
        ({"webhook-timestamp": "1"}, b'{"a":1}'),
        ({"webhook-signature": "v1,AAAA"}, b'{"a":1}'),
    ],
)
def test_a_changed_message_is_refused(change: dict[str, str], body: bytes) -> None:
    """Body, id and time are signed."""
    headers = {**sign([SECRET], "msg_1", datetime.now(UTC), b'{"a":1}'), **change}

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(body, headers)


@pytest.mark.parametrize("skew", [timedelta(minutes=-6), timedelta(minutes=6)])
def test_a_message_of_another_time_is_refused(skew: timedelta) -> None:
    """A replayed one, and one of a sender whose clock is wrong."""
    headers = sign([SECRET], "msg_1", datetime.now(UTC) + skew, b"{}")

    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify(b"{}", headers)


@pytest.mark.parametrize("secrets", [(), ("",), ("secret",), ("whsec_",), ("whsec_ä",)])
def test_an_unusable_secret_is_named_without_its_value(secrets: tuple[str, ...]) -> None:
    """By its parameter."""
    with pytest.raises(SettingsError, match="/dev/webhook/secret") as caught:
        check_secrets(secrets, "/dev/webhook/secret")

    assert not any(each in str(caught.value) for each in secrets if len(each) > 6)
    check_secrets([SECRET], "/dev/webhook/secret")
