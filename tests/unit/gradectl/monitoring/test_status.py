"""The status names what is wrong with a next command, fits a screen, and shows changes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from gradectl.adapters.aws.ecs_models import EcsDeployment, EcsService, EcsTask, TaskRevision
from gradectl.adapters.aws.state_models import ManagedState, SqsQueueState
from gradectl.monitoring.observations import Observations, Transports
from gradectl.monitoring.observe import sqs_counters
from gradectl.monitoring.status import changes, document, problems, screen
from grader.contract.names import QUEUES, TransportName
from grader.ports.messages import QueueStatistics

ARN = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-grading-task:8"
DIGEST = "sha256:" + "a" * 64
DEPLOYMENT = EcsDeployment("ecs-svc/1", ARN, rollout="COMPLETED", desired=2, running=2)
SERVICE = EcsService("dev-grading-service", 2, 2, 0, ARN, (DEPLOYMENT,))


def queue(name: str, size: int = 0, consumers: int = 1) -> QueueStatistics:
    return QueueStatistics(name, size, 0, consumers, 0, 0, 0, 0, 0)


GOOD = Observations(
    "dev",
    datetime(2026, 1, 1, 12, tzinfo=UTC),
    service=SERVICE,
    revision=TaskRevision(ARN, f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/dev@{DIGEST}"),
    broker=ManagedState("dev-grading-mq", "RUNNING", True, "ActiveMQ 5.19"),
    database=ManagedState("dev-grading", "available", True, "mysql 8.0"),
    queues={name: queue(name) for name in QUEUES},
)


def seen(**changed: Any) -> Observations:
    return replace(GOOD, **changed)


def test_nothing_is_wrong_with_a_healthy_environment() -> None:
    """The screen says so."""
    assert problems(GOOD) == []
    assert screen(GOOD)[-1] == "nothing is wrong"
    assert document(GOOD)["healthy"] is True


@pytest.mark.parametrize(
    ("changed", "text", "next_step"),
    [
        ({"service": None}, "the service does not exist", "gradectl apply dev"),
        ({"service": replace(SERVICE, running=1)}, "only 1 of 2 workers", "gradectl doctor dev"),
        (
            {"service": replace(SERVICE, deployments=(replace(DEPLOYMENT, rollout="FAILED"),))},
            "the deployment of dev-grading-task:8 failed",
            "gradectl doctor dev",
        ),
        (
            {"stopped": (EcsTask("1", exit_codes={"grading-worker": 137}),)},
            "out of memory",
            "raise ecs_task_memory",
        ),
        ({"broker": None}, "the broker does not exist", "gradectl apply dev"),
        ({"has_api": True}, "its service does not exist", "gradectl apply dev"),
        (
            {"has_api": True, "api": replace(SERVICE, running=1)},
            "only 1 of 2 tasks are running",
            "gradectl doctor dev",
        ),
        (
            {
                "has_api": True,
                "api": SERVICE,
                "api_stopped": (EcsTask("1", exit_codes={"grading-api": 137}),),
            },
            "out of memory",
            "gradectl logs dev --service api",
        ),
        ({"has_redis": True}, "the redis does not exist", "gradectl apply dev"),
        (
            {"database": ManagedState("dev-grading", "storage-full", False)},
            "the database is storage-full",
            "gradectl status dev",
        ),
        (
            {"queues": {"grading-requests": queue("grading-requests", 5, 0)}},
            "0 consumers, 5 waiting",
            "gradectl doctor dev",
        ),
        (
            {"queues": {"grading-dlq": queue("grading-dlq", 1, 0)}},
            "1 message failed",
            "gradectl queue inspect grading-dlq -e dev",
        ),
    ],
)
def test_a_problem_has_a_next_step(changed: dict[str, Any], text: str, next_step: str) -> None:
    """A command, or the setting to change."""
    (found,) = problems(seen(**changed))

    assert text in found.text
    assert next_step in found.next_step


def test_a_part_that_could_not_be_read_is_not_judged() -> None:
    """It is shown with the reason, and the environment does not count as healthy."""
    found = seen(broker=None, queues={}, unknown={"broker": "denied", "queues": "no route"})

    assert problems(found) == []
    assert any("not read: denied" in line for line in screen(found))
    assert any("not read: no route" in line for line in screen(found))
    assert document(found)["healthy"] is False
    assert document(found)["queues"] is None


def test_the_screen_has_80_columns_and_no_control_characters() -> None:
    """Also with an image by digest and the words of AWS."""
    task = EcsTask("1", stopped_reason=f"\x1b[2J{'CannotPullContainerError ' * 20}")
    lines = screen(seen(stopped=(task,)))

    assert max(map(len, lines)) <= 80
    assert all(line.isprintable() for line in lines)
    assert DIGEST in "".join(line.strip() for line in lines)


def test_changes_are_lines_with_the_old_and_the_new_state() -> None:
    """And each problem that is new."""
    after = seen(service=replace(SERVICE, running=1))

    found = changes(GOOD, after)

    assert len(found) == 2
    assert "service: 2 of 2 running" in found[0]
    assert "-> 1 of 2 running" in found[0]
    assert "wrong: service: only 1 of 2 workers are running; next: gradectl doctor dev" in found[1]
    assert changes(after, after) == []


STATES = {name: SqsQueueState(f"dev-{name}", 3, 1, 2, "", 0, 65.0, 4) for name in QUEUES}
ON_SQS = replace(
    GOOD,
    transports=Transports(TransportName.SQS, False, dict.fromkeys(QUEUES, "https://sqs.test/1/q")),
    broker=None,
    queues=sqs_counters(STATES),
    sqs_queues=STATES,
)


def test_an_environment_on_sqs_has_no_row_for_a_broker() -> None:
    """It has the age of the oldest message instead of the number of consumers."""
    lines = screen(ON_SQS)

    assert not any(line.startswith("broker") for line in lines)
    assert "transport Amazon SQS" in lines
    (row,) = (line.split() for line in lines if line.startswith("grading-requests "))
    assert row == ["grading-requests", "3", "1", "1m", "5s"]
    assert not [each for each in problems(ON_SQS) if each.part == "broker"]


def test_a_document_says_what_carries_the_messages() -> None:
    """And what is being drained, during a change."""
    found = document(ON_SQS)
    draining = replace(ON_SQS, transports=replace(ON_SQS.transports, has_broker=True))

    assert (found["transport"], found["draining"]) == ("sqs", None)
    assert found["queues"][0]["consumers"] is None
    assert (found["queues"][0]["delayed"], found["queues"][0]["oldest_seconds"]) == (2, 65.0)
    assert (document(GOOD)["transport"], document(GOOD)["draining"]) == ("activemq", None)
    assert document(draining)["draining"] == "activemq"
    assert any("Amazon MQ is being drained" in line for line in changes(ON_SQS, draining))
