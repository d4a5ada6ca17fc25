"""Behaviour of job sources that hold a message for some time only."""

from __future__ import annotations

import uuid
from typing import Any

import boto3
import pytest
from tcp_relay import Relay

from gradectl.local.loopback import free_ports
from grader.adapters.sqs.client import SqsClient
from grader.adapters.sqs.source import SqsJobSource
from grader.errors import ConnectionLostError
from grader.ports.messages import Outgoing

SOON = 10.0  # seconds to wait for an expected message
NOTHING = 0.2  # seconds to wait for an unexpected message


@pytest.fixture
def jobs(sqs_queues: Any) -> str:
    """Name of a queue."""
    return sqs_queues.name("jobs")


def test_a_delivery_whose_time_is_over_goes_to_another_worker(sqs_queues: Any, jobs: str) -> None:
    """The first one cannot settle it any more, and sends nothing."""
    answers = sqs_queues.name("answers")
    sqs_queues.send(Outgoing(jobs, b"1"))
    slow = sqs_queues.open(jobs, visibility_seconds=1)
    late = slow.receive(SOON)

    quick = sqs_queues.open(jobs)
    delivery = quick.receive(SOON)

    assert (delivery.receives, delivery.redelivered) == (2, True)
    assert delivery.message_id == late.message_id
    assert not slow.extend(late)
    with pytest.raises(ConnectionLostError):
        slow.settle(late, [Outgoing(answers, b"late")])
    quick.settle(delivery, [Outgoing(answers, b"done")])
    quick.confirm()
    reader = sqs_queues.open(answers)
    assert reader.receive(SOON).body == b"done"
    assert reader.receive(NOTHING) is None


def test_an_extended_delivery_stays_with_its_worker(sqs_queues: Any, jobs: str) -> None:
    """For another `hold_seconds` from the last extension on."""
    sqs_queues.send(Outgoing(jobs, b"1"))
    working = sqs_queues.open(jobs, visibility_seconds=2)
    delivery = working.receive(SOON)
    idle = sqs_queues.open(jobs)

    for _ in range(2):
        assert idle.receive(1.2) is None
        assert working.extend(delivery)
    working.settle(delivery, [])
    working.confirm()

    assert idle.receive(NOTHING) is None


def test_a_settled_delivery_cannot_be_extended(sqs_queues: Any, jobs: str) -> None:
    """A heartbeat that comes too late is harmless."""
    sqs_queues.send(Outgoing(jobs, b"1"))
    source = sqs_queues.open(jobs)
    delivery = source.receive(SOON)

    source.settle(delivery, [])
    source.confirm()

    assert not source.extend(delivery)


def test_a_network_that_is_cut_during_a_job_loses_nothing(moto_server: str) -> None:
    """The settlement fails, and the message is delivered again once its time is over."""
    relay = Relay(int(moto_server.rpartition(":")[2]), *free_ports(1))
    relay.open()
    boto = boto3.client(
        "sqs",
        endpoint_url=f"http://127.0.0.1:{relay.port}",
        region_name="ap-northeast-2",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    run = uuid.uuid4().hex
    urls = {
        name: boto.create_queue(QueueName=f"{run}-{name}")["QueueUrl"] for name in ("jobs", "done")
    }
    client = SqsClient(boto, urls)
    client.send(Outgoing("jobs", b"1"))
    source = SqsJobSource(client, ["jobs"], wait_seconds=1, visibility_seconds=3)
    delivery = source.receive(SOON)
    assert delivery is not None

    relay.cut()
    source.settle(delivery, [Outgoing("done", b"1")])
    with pytest.raises(ConnectionLostError):
        source.confirm()
    source.close()
    relay.open()
    again = SqsJobSource(client, ["jobs"], wait_seconds=1)
    delivery = again.receive(SOON)
    assert delivery is not None
    again.settle(delivery, [Outgoing("done", b"1")])
    again.confirm()

    counts = [client.attributes(name)["ApproximateNumberOfMessages"] for name in urls]
    assert (counts, delivery.receives) == (["0", "1"], 2)
    again.close()
    relay.cut()
