"""Claims of dead, living and frozen workers, for requests that were sent again."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

pytestmark = pytest.mark.engine

#: Renewed every second, so a claim of a dead worker ends after three.
QUICK = {"CLAIM_RENEWAL_SECONDS": "1"}
#: One look at a held request per `RETRY_DELAY_MS`, 200 ms: more looks than a lease has time for.
LOOKS = 20


def send_again(world: Any, request_id: str) -> None:
    """Send a request again, as its producer or an operator does; this one does not wait."""
    world.send(json.dumps(world.request(requestId=request_id)).encode())


def busy_worker(world: Any) -> tuple[Any, str]:
    """A worker with a running job, and its request."""
    worker = world.start(**QUICK)
    request_id = world.submit(language="gate")
    worker.wait_for(f"Processing request {request_id}")
    return worker, request_id


def test_request_of_a_dead_worker_is_graded_when_it_is_sent_again(world: Any) -> None:
    """Its message is lost; the claim ends with its lease, and not after an hour."""
    dead, request_id = busy_worker(world)
    dead.signal(signal.SIGKILL)
    dead.ended()
    assert world.receive("QUEUE_NAME").headers["redelivered"] == "true"
    world.web.unsubscribe(next(iter(world._queue_of)))
    world.start(**QUICK)

    send_again(world, request_id)

    assert world.result().request_id == request_id
    assert world.jobs.get(request_id).attempts == 2
    assert world.nothing_more()


def test_living_worker_keeps_its_claim_during_a_long_job(world: Any) -> None:
    """It renews it, so a request that was sent again waits for the result."""
    living, request_id = busy_worker(world)
    other = world.start(**QUICK)
    send_again(world, request_id)
    for _ in range(LOOKS):
        other.wait_for("Request is held by another message")

    living.pass_gate()

    assert [world.result().request_id for _ in range(2)] == [request_id] * 2
    assert world.jobs.get(request_id).attempts == 1
    assert not [line for line in other.lines if "Processing request" in line]


@pytest.mark.exhaustive
def test_frozen_worker_does_not_overwrite_the_result_of_another(world: Any) -> None:
    """Its lease ended while it was frozen; the other one's result is the only one."""
    frozen, request_id = busy_worker(world)
    frozen.signal(signal.SIGSTOP)
    world.start(**QUICK)
    send_again(world, request_id)
    stored = world.result()

    frozen.signal(signal.SIGCONT)
    frozen.pass_gate()

    frozen.wait_for("Claim was taken over, result discarded")
    assert world.result() == stored
    row = world.jobs.get(request_id)
    assert (row.attempts, row.result.to_json()) == (2, stored.to_json())


@pytest.mark.exhaustive
def test_renewal_goes_on_while_a_worker_drains(world: Any) -> None:
    """A job may run for long after SIGTERM."""
    draining, request_id = busy_worker(world)
    other = world.start(**QUICK)
    draining.signal(signal.SIGTERM)
    draining.wait_for("Stopping")
    send_again(world, request_id)
    for _ in range(LOOKS):
        other.wait_for("Request is held by another message")

    draining.pass_gate()

    assert draining.ended() == 0
    assert [world.result().request_id for _ in range(2)] == [request_id] * 2
    assert world.jobs.get(request_id).attempts == 1
