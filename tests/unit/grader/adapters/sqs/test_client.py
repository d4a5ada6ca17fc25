"""The errors of SQS, large bodies, and what the inspector and the transport do with both."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError
from memory_boto import MemoryBoto, refusal

from grader.adapters.sqs.bodies import BodyStore, pointer, read_pointer
from grader.adapters.sqs.client import NotInFlightError, ReceivedMessage, SqsClient
from grader.adapters.sqs.inspection import SqsQueueInspector, UnsupportedError
from grader.adapters.sqs.sender import SqsSender
from grader.adapters.sqs.transport import SqsTransport
from grader.errors import (
    AccessError,
    ConnectionLostError,
    GraderError,
    SettingsError,
    TemporaryError,
)
from grader.ports.messages import Outgoing
from grader.testing import MemoryObjectStore, MemorySqsQueues

CALLS = ("send", "receive", "delete", "hide", "attributes")
HELD = ReceivedMessage("jobs", "id", "handle", b"")


class Service:
    """In-memory queues behind a client; one call can fail."""

    def __init__(self, bodies: BodyStore | None = None, **attributes: str) -> None:
        self.error: Exception | None = None
        self.failing = ""
        self.queues = MemorySqsQueues(on_call=self._on_call)
        opened = None if bodies is None else lambda: bodies
        self.client = SqsClient(MemoryBoto(self.queues, attributes), _Urls(), opened)

    def _on_call(self, call: str, queue: str) -> None:
        if self.error is not None and self.failing in (call, f"{call} {queue}"):
            raise self.error

    def fail(self, call: str, error: Exception) -> GraderError:
        """Make a call that fails, and return the error of the client."""
        self.failing, self.error = call, error
        calls: dict[str, Any] = {
            "send": lambda: self.client.send(Outgoing("jobs", b"1")),
            "receive": self.receive,
            "delete": lambda: self.client.delete(HELD),
            "hide": lambda: self.client.hide(HELD, 10),
            "attributes": lambda: self.client.attributes("jobs"),
        }
        with pytest.raises(GraderError) as caught:
            calls[call]()
        return caught.value

    def receive(self, queue: str = "jobs") -> list[ReceivedMessage]:
        """Receive at most one message."""
        return self.client.receive(queue, count=1, wait_seconds=0, visibility_seconds=30)


class _Urls(dict[str, str]):
    def __init__(self) -> None:
        super().__init__(
            {"jobs": "http://127.0.0.1/1/jobs", "answers": "http://127.0.0.1/1/answers"}
        )


class BrokenStore(MemoryObjectStore):
    """A bucket that cannot be reached."""

    def get(self, key: str, *, max_bytes: int) -> bytes:
        """Fail."""
        raise TemporaryError("unreachable", where=f"{key}, {max_bytes}")

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        """Fail."""
        raise TemporaryError("unreachable", where=f"{key}, {content_type}, {len(body)}")


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("code", "message", "kind", "hint"),
    [
        ("AccessDenied", "not authorized", AccessError, "policies of the role"),
        ("KmsAccessDenied", "no key", AccessError, "policies of the role"),
        (
            "SignatureDoesNotMatch",
            "Signature expired: 20261130T is now earlier than",
            ConnectionLostError,
            "clock",
        ),
        (
            "InvalidSignatureException",
            "Signature not yet current: 20261130T",
            ConnectionLostError,
            "clock",
        ),
        ("SignatureDoesNotMatch", "the secret key is wrong", AccessError, "policies"),
        ("RequestThrottled", "slow down", ConnectionLostError, "throttles"),
        ("KmsThrottled", "slow down", ConnectionLostError, "throttles"),
        ("InternalError", "oops", ConnectionLostError, ""),
        ("AWS.SimpleQueueService.NonExistentQueue", "gone", SettingsError, "region, account"),
        ("InvalidAddress", "not valid for this endpoint", SettingsError, "region, account"),
    ],
)
def test_each_call_translates_the_errors_of_sqs(
    call: str, code: str, message: str, kind: type[GraderError], hint: str
) -> None:
    """Each says the call, the queue and what to check."""
    error = Service().fail(call, refusal(call, code, message))

    assert type(error) is kind
    assert message in error.what
    assert error.what.startswith(("Send", "Receive", "Delete", "Change", "GetQueue"))
    assert error.where == "http://127.0.0.1/1/jobs"
    assert hint in error.next_step


@pytest.mark.parametrize("code", ["InvalidParameterValue", "ReceiptHandleIsInvalid"])
def test_a_receipt_handle_that_is_over_has_an_error_of_its_own(code: str) -> None:
    """The message may be with another worker; other invalid parameters are not that."""
    service = Service()

    assert type(service.fail("hide", refusal("hide", code))) is NotInFlightError
    assert type(service.fail("delete", refusal("delete", code))) is NotInFlightError
    assert type(service.fail("send", refusal("send", "InvalidParameterValue"))) is SettingsError


def test_a_network_that_is_cut_is_a_lost_connection() -> None:
    """It is worth another attempt."""
    error = Service().fail("send", EndpointConnectionError(endpoint_url="http://127.0.0.1/"))

    assert type(error) is ConnectionLostError


def test_missing_credentials_are_a_missing_right() -> None:
    """Waiting does not help."""
    assert type(Service().fail("send", NoCredentialsError())) is AccessError


def test_a_queue_without_url_is_named() -> None:
    """A wrong name in a command, for example."""
    with pytest.raises(
        SettingsError, match=r"other: there is no such queue \(use one of jobs, ans"
    ):
        Service().client.send(Outgoing("other", b"1"))


def test_a_large_body_travels_through_the_bucket() -> None:
    """As a message of AWS's extended client, and back; its headers stay attributes."""
    objects = MemoryObjectStore()
    service = Service(
        BodyStore(objects, "bucket", "results/messages/"), MaximumMessageSize="100000"
    )
    body = b"\xff" * 99_000

    SqsSender(service.client).send("jobs", body, {"correlation-id": "r"})
    (sent,) = service.queues.messages("jobs")
    (received,) = service.receive()

    name, fields = json.loads(sent.body)
    assert name == "software.amazon.payloadoffloading.PayloadS3Pointer"
    assert fields["s3BucketName"] == "bucket"
    assert objects.get(fields["s3Key"], max_bytes=100_000) == body
    assert json.loads(sent.headers["ExtendedPayloadSize"])["StringValue"] == "99000"
    assert (received.body, received.headers) == (body, {"correlation-id": "r"})


def test_a_body_below_the_limit_of_its_queue_stays_in_the_message() -> None:
    """The limit is that of the queue, and counts the attributes."""
    objects = MemoryObjectStore()
    service = Service(BodyStore(objects, "bucket", "m/"), MaximumMessageSize="100000")

    service.client.send(Outgoing("jobs", b"x" * 99_992, {"a": "b"}))
    service.client.send(Outgoing("jobs", b"x" * 99_993, {"a": "b"}))

    assert len(list(objects.list("m/"))) == 1
    assert len(service.queues.messages("jobs")[0].body) == 99_992


def test_a_sender_that_may_not_read_the_limit_uses_the_usual_one() -> None:
    """A producer needs the right to send, and no other."""
    objects = MemoryObjectStore()
    service = Service(BodyStore(objects, "bucket", "m/"))
    service.failing, service.error = "attributes", refusal("attributes", "AccessDenied")

    service.client.send(Outgoing("jobs", b"x" * 250_000))
    service.client.send(Outgoing("jobs", b"x" * 270_000))

    assert len(list(objects.list("m/"))) == 1


def test_without_a_bucket_a_large_body_is_refused() -> None:
    """The error names the limit."""
    service = Service(MaximumMessageSize="100000")

    with pytest.raises(SettingsError, match=r"has 100001 bytes, at most 100000 fit"):
        service.client.send(Outgoing("jobs", b"x" * 100_001))


@pytest.mark.parametrize(
    "body",
    [
        pointer("foreign", "results/messages/1"),
        pointer("bucket", "results/../problems/1"),
        pointer("bucket", "results/messages/missing"),
        pointer("bucket", "results/messages/huge"),
        b"no pointer",
        b"[1, 2]",
        b'["software.amazon.payloadoffloading.PayloadS3Pointer", {"s3BucketName": 1, "s3Key": 2}]',
        b'["other", {"s3BucketName": "bucket", "s3Key": "results/messages/1"}]',
    ],
)
def test_a_pointer_that_is_not_followed_stays_the_body(body: bytes) -> None:
    """It is rejected as a request that cannot be read; other buckets are never read."""
    objects = MemoryObjectStore()
    objects.put("results/messages/1", b"secret", content_type="")
    objects.put("results/messages/huge", bytes((16 << 20) + 1), content_type="")
    service = Service(BodyStore(objects, "bucket", "results/messages/"))
    service.client.send(Outgoing("jobs", body, {"ExtendedPayloadSize": "5"}))

    (received,) = service.receive()

    assert (received.body, received.headers) == (body, {"ExtendedPayloadSize": "5"})


def test_a_pointer_of_an_older_library_is_followed() -> None:
    """A producer may use any version."""
    objects = MemoryObjectStore()
    objects.put("submissions/messages/1", b"{}", content_type="")
    body = pointer("bucket", "submissions/messages/1").replace(
        b"software.amazon.payloadoffloading.PayloadS3Pointer",
        b"com.amazon.sqs.javamessaging.MessageS3Pointer",
    )
    service = Service(BodyStore(objects, "bucket", "m/"))
    service.client.send(Outgoing("jobs", body, {"SQSLargePayloadSize": "2"}))

    assert service.receive()[0].body == b"{}"
    assert read_pointer(body) == ("bucket", "submissions/messages/1")


def test_a_message_whose_body_cannot_be_read_now_is_returned() -> None:
    """The bucket may come back; the message is visible at once."""
    service = Service(BodyStore(BrokenStore(), "bucket", "m/"))
    body = pointer("bucket", "results/messages/1")
    service.client.send(Outgoing("jobs", body, {"ExtendedPayloadSize": "5"}))

    with pytest.raises(ConnectionLostError, match="unreachable"):
        service.receive()
    assert len(service.queues.waiting("jobs")) == 1
    with pytest.raises(ConnectionLostError, match="unreachable"):
        service.client.send(Outgoing("jobs", b"x" * 300_000))


def test_headers_that_are_too_long_are_shortened() -> None:
    """Only a foreign producer sends such; without that, the dead letter could not be sent."""
    service = Service(MaximumMessageSize="65536")

    service.client.send(Outgoing("jobs", b"{}", {"note": "n" * 70_000, "x-reason": "bad"}))

    assert service.receive()[0].headers == {"note": "n" * 1_024, "x-reason": "bad"}


def test_statistics_have_waiting_flying_and_delayed_messages() -> None:
    """SQS knows neither consumers nor totals."""
    service = Service(
        ApproximateNumberOfMessages="5",
        ApproximateNumberOfMessagesNotVisible="2",
        ApproximateNumberOfMessagesDelayed="1",
    )

    found = SqsQueueInspector(service.client).statistics(["jobs", "unknown"])

    assert list(found) == ["jobs"]
    counters = found["jobs"]
    counts = (counters.size, counters.waiting, counters.in_flight, counters.delayed)
    assert (*counts, counters.consumers) == (8, 5, 2, 1, None)


def test_a_queue_that_was_deleted_has_no_statistics() -> None:
    """As on a broker; a missing right is an error."""
    service = Service()
    inspector = SqsQueueInspector(service.client)

    service.failing, service.error = "attributes jobs", refusal("attributes", "QueueDoesNotExist")
    assert list(inspector.statistics(["jobs", "answers"])) == ["answers"]
    service.error = refusal("attributes", "AccessDenied")
    with pytest.raises(AccessError):
        inspector.statistics(["jobs"])


def test_browsing_is_refused_in_one_line() -> None:
    """A sample costs each message a receive, so it is never taken unasked."""
    inspector = SqsQueueInspector(Service().client)

    for browse in (lambda: inspector.browse("jobs"), lambda: inspector.peek("jobs", 3)):
        with pytest.raises(
            UnsupportedError, match="shows no message without receiving it"
        ) as error:
            browse()
        assert "\n" not in str(error.value)


def test_a_missing_queue_ends_a_worker_at_its_start_and_not_later() -> None:
    """At the start the setting is wrong; later somebody has deleted it, and may repair that."""
    service = Service()
    transport = SqsTransport(service.client, ["jobs"])
    gone = refusal("attributes", "QueueDoesNotExist")

    service.failing, service.error = "attributes answers", gone
    with pytest.raises(SettingsError, match="region, account and name"):
        transport.open_source("consumer-1")
    service.error = None
    transport.open_source("consumer-1")
    service.failing, service.error = "attributes jobs", gone

    with pytest.raises(ConnectionLostError):
        transport.open_source("consumer-1")
    assert (transport.name, transport.open_inspector()) == ("sqs", None)


def test_redrive_policies_in_a_circle_are_refused_at_the_start() -> None:
    """SQS would move a message around without anybody receiving it."""
    policy = '{"deadLetterTargetArn": "arn:requests", "maxReceiveCount": 2}'
    transport = SqsTransport(
        Service(QueueArn="arn:requests", RedrivePolicy=policy).client, ["jobs"]
    )

    with pytest.raises(SettingsError, match=r"arn:requests -> arn:requests"):
        transport.open_source("consumer-1")


def test_a_queue_for_too_small_messages_is_refused_at_the_start() -> None:
    """A dead letter with its reasons would not fit."""
    transport = SqsTransport(Service(MaximumMessageSize="1024").client, ["jobs"])

    with pytest.raises(SettingsError, match=r"1024 bytes.*MaximumMessageSize"):
        transport.open_source("consumer-1")
