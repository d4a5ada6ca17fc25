"""`gradectl webhook test`, on an emulated ECS in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.ecs.models import ecs_backends

URL = "https://hooks.example.com/grading"
CLUSTER = "dev-grading-cluster"


def add_workers(dev: Any, **environment: str) -> None:
    """A service of workers with these settings."""
    settings = [{"name": name, "value": value} for name, value in environment.items()]
    container = {"name": "grading-worker", "image": "worker", "memory": 64}
    ecs, ec2 = dev.client("ecs"), dev.client("ec2")
    network = {
        "subnets": [ec2.describe_subnets()["Subnets"][0]["SubnetId"]],
        "securityGroups": [ec2.describe_security_groups()["SecurityGroups"][0]["GroupId"]],
    }
    answer = ecs.register_task_definition(
        family="dev-grading-task",
        containerDefinitions=[{**container, "environment": settings}],
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )
    ecs.create_cluster(clusterName=CLUSTER)
    ecs.create_service(
        cluster=CLUSTER,
        serviceName="dev-grading-service",
        taskDefinition=answer["taskDefinition"]["taskDefinitionArn"],
        desiredCount=0,
        launchType="FARGATE",
        networkConfiguration={"awsvpcConfiguration": network},
    )


@contextmanager
def tasks_that_end(code: int) -> Iterator[None]:
    """End each task with an exit code as soon as it was started."""
    done = threading.Event()

    def end() -> None:
        tasks = ecs_backends["123456789012"]["ap-northeast-2"].tasks
        while not done.wait(0.02):
            for task in list(tasks.get(CLUSTER, {}).values()):
                for each in task.containers:
                    each.exitCode, each.last_status = code, "STOPPED"
                task.last_status = "STOPPED"

    thread = threading.Thread(target=end)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize(("code", "delivered"), [(0, True), (1, False)])
def test_its_exit_code_says_whether_the_event_was_delivered(
    dev: Any, code: int, delivered: bool
) -> None:
    """And its document matches the published schema."""
    add_workers(dev, WEBHOOKS_ENABLED="true")
    with tasks_that_end(code):
        result = dev.gradectl("webhook", "test", URL, "-e", "dev", "-o", "json", "--yes")

    assert result.code == code, result.stderr
    assert result.document["delivered"] is delivered
    assert result.document["url"] == URL


def test_a_dry_run_starts_nothing(dev: Any) -> None:
    """It says what it would run."""
    add_workers(dev, WEBHOOKS_ENABLED="true")

    result = dev.gradectl("webhook", "test", URL, "-e", "dev", "-o", "json", "--dry-run")

    assert result.code == 0, result.stderr
    assert result.document["delivered"] is None
    assert f"grader webhook-test {URL}" in result.stderr
    assert not dev.client("ecs").list_tasks(cluster=CLUSTER)["taskArns"]


def test_where_other_processes_send_it_names_their_command(dev: Any) -> None:
    """A task of the workers would test another network."""
    add_workers(dev, WEBHOOK_SECRET_PARAM="/dev/webhook/secret")

    result = dev.gradectl("webhook", "test", URL, "-e", "dev")

    assert result.code == 78
    assert f"grader webhook-test {URL}" in result.stderr
