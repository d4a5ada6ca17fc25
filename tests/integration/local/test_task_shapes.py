"""A task definition as the module writes it starts its worker only."""

from __future__ import annotations

from typing import Any

import pytest

from gradectl.local.layout import StackLayout

pytestmark = pytest.mark.engine


def test_a_task_with_a_sidecar_and_a_read_only_root_starts_its_worker(account: Any) -> None:
    """Settings without an equivalent for a plain process are ignored; the log names the sidecar."""
    ecs = account.client("ecs")
    arn = account.register(
        readonlyRootFilesystem=True,
        linuxParameters={"capabilities": {"drop": ["NET_RAW"]}, "initProcessEnabled": True},
        mountPoints=[{"sourceVolume": "tmp", "containerPath": "/tmp", "readOnly": False}],
        dependsOn=[{"containerName": "log-router", "condition": "START"}],
    )
    worker = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    sidecar = {"name": "log-router", "image": "unused", "essential": False, "memory": 64}
    registered = ecs.register_task_definition(
        family="local-grading-task",
        containerDefinitions=[*worker["containerDefinitions"], sidecar],
        volumes=[{"name": "tmp"}],
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
    )

    account.create_service(registered["taskDefinition"]["taskDefinitionArn"], 1)

    (task,) = account.settle().values()
    assert task.health == "healthy"
    log = StackLayout(account.stack.directory).supervisor_log.read_text()
    assert "container grading/log-router is not started" in log
