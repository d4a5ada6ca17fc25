"""Webhooks of real workers and `grader webhooks`, with a real database and a receiver over TLS."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from forked_script import GRADER
from https_receiver import Receiver, receiving
from standardwebhooks import Webhook

from grader.adapters.mysql.submissions import MysqlSubmissions
from grader.api.views import view_of_row
from grader.ports.results import DeliveryStatus

pytestmark = pytest.mark.engine

SECRET = "whsec_" + "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver on loopback."""
    with receiving(tmp_path) as running:
        yield running


@pytest.fixture
def hooks(world: Any, receiver: Receiver) -> dict[str, str]:
    """Variables of a process that sends webhooks."""
    world.set_parameter("webhook/secret", SECRET)
    return {
        "WEBHOOK_SECRET_PARAM": f"/{world.environment['ENVIRONMENT']}/webhook/secret",
        "WEBHOOK_PRIVATE_HOSTS": "localhost",
        "WEBHOOK_CA_FILE": str(receiver.ca_file),
    }


def received(receiver: Receiver, count: int) -> dict[str, dict[str, Any]]:
    """Verify so many webhooks; returns their events by type and id."""
    found = [receiver.next(60) for _ in range(count)]
    events = [Webhook(SECRET).verify(each.body, each.headers) for each in found]
    return {
        each["data"].get("batchId" if each["type"] == "batch.finished" else "requestId"): each
        for each in events
    }


def documents(world: Any, request_ids: list[str]) -> list[Any]:
    """What the API answers about requests; those of a batch by their ids."""
    rows = MysqlSubmissions(world.jobs._engine).rows(request_ids)
    first, *others = request_ids
    return [json.loads(view_of_row(rows[each]).text) for each in (first, *sorted(others))]


def test_what_a_killed_worker_left_is_delivered_once(
    world: Any, receiver: Receiver, hooks: dict[str, str]
) -> None:
    """
    Results are stored with their webhooks, and sent by the processes that run next.

    A refused host costs nothing but its own webhook, and a batch is one webhook, also with a
    request that is invalid. The data is that of the API.
    """
    worker = world.start(WEBHOOK_PRIVATE_HOSTS="localhost")
    single = world.submit(webhookUrl=receiver.url)
    refused = world.submit(webhookUrl="https://169.254.169.254/latest/meta-data/")
    batch = {"webhookUrl": receiver.url, "batchId": "batch_1", "batchSize": 3}
    members = [
        world.submit(**batch),
        world.submit(**batch, timeLimit="slow"),
        world.submit(**batch),
    ]
    assert {world.result().request_id for _ in range(5)} == {single, refused, *members}
    worker.signal(signal.SIGKILL)
    worker.ended()
    assert receiver.received.empty()

    sender = world.start(GRADER, "webhooks", **hooks)
    sender.wait_for("Sending webhooks")
    other = world.start(WEBHOOKS_ENABLED="true", **hooks)
    events = received(receiver, 2)

    assert set(events) == {single, "batch_1"}
    assert events[single]["data"]["result"]["verdict"] == "AC"
    data = events["batch_1"]["data"]
    assert (data["size"], data["finished"]) == (3, 3)
    statuses = {each["requestId"]: each["status"] for each in data["submissions"]}
    assert statuses == {members[0]: "completed", members[1]: "failed", members[2]: "completed"}
    assert [events[single]["data"], *data["submissions"]] == documents(world, [single, *members])
    outbox = world.jobs.outbox()
    (dead,) = outbox.find(status=DeliveryStatus.DEAD)
    assert (dead.subject, dead.attempts) == (refused, 0)
    assert "not in WEBHOOK_ALLOWED_HOSTS" in dead.last_error
    other.wait_for("Worker started")
    assert world.submit(webhookUrl=receiver.url) in received(receiver, 1)
    for process in (sender, other):
        process.signal(signal.SIGTERM)
    assert (sender.ended(), other.ended()) == (0, 0)
    assert receiver.received.empty()
    assert len(outbox.find(status=DeliveryStatus.DELIVERED)) == 3


def test_a_url_is_tried_from_where_webhooks_are_sent(
    world: Any, receiver: Receiver, hooks: dict[str, str]
) -> None:
    """`grader webhook-test` reports each step, and exits with 1 where one fails."""

    def run(url: str, **changes: str) -> Any:
        variables = {**world.environment, **hooks, **changes}
        command = [sys.executable, "-m", "grader", "webhook-test", url]
        return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)

    good, refused = run(receiver.url), run("https://example.com/")
    unset = run(receiver.url, WEBHOOK_SECRET_PARAM="")

    assert good.returncode == 0, good.stderr
    assert "answer     ok: HTTP 204" in good.stdout
    event = receiver.next()
    assert Webhook(SECRET).verify(event.body, event.headers)["type"] == "webhook.test"
    assert refused.returncode == 1
    assert "not in WEBHOOK_ALLOWED_HOSTS" in refused.stdout
    assert unset.returncode == 78
    assert "WEBHOOK_SECRET_PARAM: is not set" in unset.stderr
