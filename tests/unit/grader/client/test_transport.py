"""The client sends with the transport of the environment, and follows when it is switched."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
import pytest

from grader.client import open_client
from grader.client.transport import (
    DECISION_SECONDS,
    Decision,
    FollowingSender,
    broker_login,
    decide,
)
from grader.contract.messages import GradingRequest
from grader.errors import (
    AccessError,
    ConnectionLostError,
    GraderError,
    SettingsError,
    TemporaryError,
)
from grader.testing import MemoryParameterStore

REQUESTS, PRIORITY = (
    "https://sqs.test/1/e-grading-requests",
    "https://sqs.test/1/e-grading-priority",
)
BROKER, SQS = Decision(), Decision((("grading-requests", REQUESTS),))


def parameters(**values: str) -> MemoryParameterStore:
    """The parameters of SQS in the environment `e`."""
    return MemoryParameterStore(
        {f"/e/sqs/{key.replace('_', '-')}": value for key, value in values.items()}
    )


@pytest.mark.parametrize(
    ("store", "wanted"),
    [
        (parameters(), BROKER),
        (parameters(active="false", requests_url=REQUESTS), BROKER),
        (parameters(active="true", requests_url=REQUESTS), SQS),
        (
            parameters(active="true", requests_url=REQUESTS, priority_url=PRIORITY),
            Decision((("grading-requests", REQUESTS), ("grading-priority", PRIORITY))),
        ),
    ],
)
def test_the_parameters_say_which_transport_is_used(
    store: MemoryParameterStore, wanted: Decision
) -> None:
    """Queues that are being drained get nothing new."""
    assert decide(store, "e") == wanted


class Guarded(MemoryParameterStore):
    """SSM with IAM: without the right on a parameter, a role does not learn whether it exists."""

    def get_many(self, names: Sequence[str]) -> dict[str, str]:
        """Refuse what the role has no right on, which are all parameters that do not exist."""
        try:
            return super().get_many(names)
        except SettingsError as error:
            raise AccessError("not authorized", where=names[0]) from error


def test_a_login_from_before_sqs_goes_to_the_broker() -> None:
    """Its role was applied when there was only a broker."""
    assert decide(Guarded(parameters().values), "e") == BROKER


def test_a_role_has_no_right_on_the_parameter_of_a_queue_that_does_not_exist() -> None:
    """An environment without urgent requests."""
    assert decide(Guarded(parameters(active="true", requests_url=REQUESTS).values), "e") == SQS


def test_a_role_that_may_not_read_the_url_is_refused() -> None:
    """It must not fall back to a broker that does not exist."""
    with pytest.raises(AccessError, match="not authorized"):
        decide(Guarded(parameters(active="true").values), "e")


def test_a_missing_url_is_an_error() -> None:
    """It must not fall back to a broker that does not exist."""
    with pytest.raises(SettingsError, match="/e/sqs/requests-url"):
        decide(parameters(active="true"), "e")


@pytest.mark.parametrize("part", ["mq-web", "mq"])
def test_the_administrator_sends_where_the_broker_has_no_user_for_it(part: str) -> None:
    """Without that user there is no right on its parameters either."""
    names = (("mq", "broker-endpoint"), (part, "username"), (part, "password"))
    store = MemoryParameterStore({f"/e/{each}/{key}": f"{each} {key}" for each, key in names})

    found = broker_login(Guarded(store.values), "e")

    assert found == ("mq broker-endpoint", f"{part} username", f"{part} password")


class Environment:
    """An environment whose transport can be switched; notes what each transport got."""

    def __init__(self) -> None:
        self.decision: Decision | GraderError = BROKER
        self.broken: dict[Decision, GraderError] = {}
        self.sent: list[tuple[Decision, bytes]] = []
        self.closed: list[Decision] = []
        self.reads = 0
        self.now = 0.0
        self.sender = FollowingSender(self.decide, self.open, lambda: self.now)

    def decide(self) -> Decision:
        """Read the transport."""
        self.reads += 1
        if isinstance(self.decision, GraderError):
            raise self.decision
        return self.decision

    def open(self, decision: Decision) -> Sender:
        """Open a transport."""
        return Sender(self, decision)

    def send(self, body: bytes) -> None:
        """Submit something."""
        self.sender.send("grading-requests", body, {})


class Sender:
    """One transport of an `Environment`."""

    def __init__(self, environment: Environment, decision: Decision) -> None:
        self._environment, self._decision = environment, decision

    def send(self, _queue: str, body: bytes, _headers: Mapping[str, str]) -> None:
        """Send, or fail if the transport was removed."""
        if error := self._environment.broken.get(self._decision):
            raise error
        self._environment.sent.append((self._decision, body))

    def close(self) -> None:
        """Note it."""
        self._environment.closed.append(self._decision)


def test_a_switch_is_followed_before_the_old_transport_is_removed() -> None:
    """A message to a queue that has just been drained would be lost with it."""
    world = Environment()
    world.send(b"1")
    world.decision = SQS
    world.now = DECISION_SECONDS - 1
    world.send(b"2")
    world.now = DECISION_SECONDS
    world.send(b"3")
    world.send(b"4")

    assert world.sent == [(BROKER, b"1"), (BROKER, b"2"), (SQS, b"3"), (SQS, b"4")]
    assert world.closed == [BROKER]
    assert world.reads == 2


@pytest.mark.parametrize(
    "error", [ConnectionLostError("gone"), AccessError("no"), SettingsError("no queue")]
)
def test_an_error_makes_the_client_look_again(error: GraderError) -> None:
    """A broker that is gone, or a queue that was deleted, was switched off."""
    world = Environment()
    world.send(b"1")
    world.decision, world.broken = SQS, {BROKER: error}

    world.send(b"2")

    assert world.sent == [(BROKER, b"1"), (SQS, b"2")]
    world.decision, world.broken = BROKER, {SQS: error}
    world.send(b"3")
    assert world.sent[-1] == (BROKER, b"3")
    world.sender.close()
    assert world.closed == [BROKER, SQS, BROKER]


@pytest.mark.parametrize("answer", [BROKER, TemporaryError("SSM"), SettingsError("no parameter")])
def test_an_error_without_a_switch_is_raised(answer: Decision | GraderError) -> None:
    """Also when SSM cannot say whether there was one; the next submission asks again."""
    world = Environment()
    world.send(b"1")
    world.decision, world.broken = answer, {BROKER: ConnectionLostError("gone")}

    with pytest.raises(ConnectionLostError, match="gone"):
        world.send(b"2")
    world.broken = {}
    world.send(b"3")

    assert [body for _, body in world.sent] == [b"1", b"3"]
    assert not world.closed


def test_ssm_that_fails_does_not_stop_a_transport_that_works() -> None:
    """It is asked again at each submission until it answers."""
    world = Environment()
    world.send(b"1")
    world.decision, world.now = TemporaryError("throttled"), DECISION_SECONDS
    world.send(b"2")
    world.decision = SQS
    world.send(b"3")

    assert world.sent == [(BROKER, b"1"), (BROKER, b"2"), (SQS, b"3")]


def test_a_client_of_an_environment_on_sqs_needs_no_broker(
    moto_server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The request arrives as plain JSON, with the request id as correlation id."""
    for name, value in {
        "AWS_ENDPOINT_URL": moto_server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "ap-northeast-2",
    }.items():
        monkeypatch.setenv(name, value)
    name = f"e-{uuid.uuid4().hex[:8]}"
    sqs, ssm, s3 = boto3.client("sqs"), boto3.client("ssm"), boto3.client("s3")
    url = sqs.create_queue(QueueName=f"{name}-grading-requests")["QueueUrl"]
    for key, value in {"active": "true", "requests-url": url}.items():
        ssm.put_parameter(Name=f"/{name}/sqs/{key}", Value=value, Type="String")
    region = {"LocationConstraint": "ap-northeast-2"}
    s3.create_bucket(Bucket=f"{name}-grading-files", CreateBucketConfiguration=region)

    with open_client(name, region="ap-northeast-2") as client:
        request_id = client.submit("sum", "python", "print(3)", user_id="u")
        with pytest.raises(SettingsError, match="no such queue"):
            client.submit("sum", "python", "print(3)", user_id="u", priority=True)

    (message,) = received(sqs, url)
    request = GradingRequest.from_json(message["Body"].encode())
    assert request.request_id == request_id
    assert message["MessageAttributes"]["correlation-id"]["StringValue"] == request_id
    key = request.source_url(f"{name}-grading-files").key
    stored = s3.get_object(Bucket=f"{name}-grading-files", Key=key)["Body"].read()
    assert stored == b"print(3)"


def received(sqs: Any, url: str) -> list[Any]:
    """The messages of a queue."""
    answer = sqs.receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"]
    )
    return list(answer["Messages"])
