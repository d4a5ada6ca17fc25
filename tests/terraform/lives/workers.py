"""Module ecs-grading with every option: applied, changed, destroyed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

FILES = Path(__file__).with_name("workers_root")
README = Path(__file__).resolve().parents[3] / "modules" / "ecs-grading" / "README.md"
#: What a pipeline takes over from the latest revision of a task definition.
REGISTERED = (
    *("family", "cpu", "memory", "networkMode", "requiresCompatibilities"),
    *("executionRoleArn", "taskRoleArn", "volumes", "runtimePlatform"),
)
WAITS_AT_ONCE = "-parallelism=30"  # most resources only wait


def prepare(terraform_folder: Callable[..., Any], account: Any) -> Any:
    """Give a root that calls the module three times."""
    files = {path.name: path.read_text() for path in FILES.glob("*.tf")}
    folder = terraform_folder("workers", files).within(AWS_ENDPOINT_URL=account.url)
    folder.run("init", "-no-color")
    return folder


def live(folder: Any, account: Any) -> None:
    """
    Apply, change and destroy.

    No plan after an apply finds a difference, whatever is turned on or changed in place. A revision
    that a pipeline deployed stays where `ignore_task_definition_changes` is set, and only there.
    """
    ecs = account.client("ecs")
    apply(folder)
    assert placement(ecs, "spot") == {"FARGATE": 1, "FARGATE_SPOT": 3}
    assert placement(ecs, "instances") == {"instances-grading": 1}
    assert service(ecs, "everything")["enableExecuteCommand"]
    elsewhere = {name: deploy_elsewhere(ecs, name) for name in ("instances", "spot")}
    assert_an_apply_in_exam_hours_keeps_the_minimum(folder, account)
    assert service(ecs, "spot")["taskDefinition"] == elsewhere["spot"]
    assert service(ecs, "instances")["taskDefinition"] != elsewhere["instances"]
    let_a_pipeline_deploy(folder, "instances")
    assert not [each for each in replaced(folder, "-var=changed=true") if "ecs_service" in each]

    apply(folder, "-var=changed=true")
    assert service(ecs, "spot")["taskDefinition"] == elsewhere["spot"], (
        "another size deploys nothing"
    )
    assert not service(ecs, "everything")["enableExecuteCommand"]
    assert service(ecs, "everything")["deploymentConfiguration"]["maximumPercent"] == 200
    let_terraform_deploy(folder, "instances")
    changed = ("-var=changed=true", "-var=pipeline=false")
    service_of_spot = "module.spot.aws_ecs_service.pipeline[0]"
    again = replaced(folder, *changed, f"-replace={service_of_spot}")
    assert again == {
        service_of_spot,
        "module.spot.aws_appautoscaling_target.this",
        "module.spot.terraform_data.service",
        "module.spot.aws_appautoscaling_policy.queue_depth[0]",
        'module.spot.aws_appautoscaling_policy.resource["cpu"]',
        'module.spot.aws_appautoscaling_policy.resource["memory"]',
    }, "AWS deletes what scales a service together with it, and only that is replaced"

    folder.run("destroy", "-no-color", "-auto-approve", WAITS_AT_ONCE, *changed)
    assert folder.run("state", "list").strip() == ""


def apply(folder: Any, *words: str) -> None:
    """Apply, and plan again: nothing may be left to change."""
    folder.run("apply", "-no-color", "-auto-approve", WAITS_AT_ONCE, *words)
    done = folder.attempt("plan", "-no-color", "-detailed-exitcode", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def assert_an_apply_in_exam_hours_keeps_the_minimum(folder: Any, account: Any) -> None:
    """What a schedule has set is no change to Terraform, also in a state of an older version."""
    folder.run("state", "rm", "module.everything.terraform_data.service")
    scaling = account.client("application-autoscaling")
    target = {
        "ServiceNamespace": "ecs",
        "ResourceId": "service/everything-grading-cluster/everything-grading-service",
        "ScalableDimension": "ecs:service:DesiredCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=5, MaxCapacity=10)
    apply(folder)
    found = scaling.describe_scalable_targets(
        ServiceNamespace="ecs", ResourceIds=[target["ResourceId"]]
    )["ScalableTargets"]
    assert [each["MinCapacity"] for each in found] == [5]


def deploy_elsewhere(ecs: Any, name: str) -> str:
    """Deploy another image as a pipeline does: register a revision with it, update the service."""
    latest = ecs.describe_task_definition(taskDefinition=f"{name}-grading-task")["taskDefinition"]
    worker, *others = latest["containerDefinitions"]
    same = {key: latest[key] for key in REGISTERED if key in latest}
    registered = ecs.register_task_definition(
        **same, containerDefinitions=[{**worker, "image": "example.com/worker:2.0"}, *others]
    )
    revision: str = registered["taskDefinition"]["taskDefinitionArn"]
    where = {"cluster": f"{name}-grading-cluster", "service": f"{name}-grading-service"}
    ecs.update_service(**where, taskDefinition=revision)
    return revision


def let_a_pipeline_deploy(folder: Any, name: str) -> None:
    """Write the `moved` block of the README, without which the service would be deleted."""
    (block,) = re.findall(r"```terraform\n(moved \{.*?\n\}\n)```", README.read_text(), re.DOTALL)
    (folder.directory / "moved.tf").write_text(block.replace("ecs_grading", name, 2))


def let_terraform_deploy(folder: Any, name: str) -> None:
    """Turn the switch off as the README says: without the block, with its command."""
    (folder.directory / "moved.tf").unlink()
    (command,) = re.findall(r"^terraform (state mv .*)$", README.read_text(), re.MULTILINE)
    folder.run(*shlex.split(command.replace("ecs_grading", name)))


def service(ecs: Any, name: str) -> dict[str, Any]:
    """Give what DescribeServices says of a service."""
    found = ecs.describe_services(
        cluster=f"{name}-grading-cluster", services=[f"{name}-grading-service"]
    )
    described: dict[str, Any] = found["services"][0]
    return described


def replaced(folder: Any, *words: str) -> set[str]:
    """Give the addresses of what a plan would delete and make again."""
    changes = folder.plan(*words)["resource_changes"]
    return {each["address"] for each in changes if "delete" in each["change"]["actions"]}


def placement(ecs: Any, name: str) -> dict[str, int]:
    """Give the weight of each capacity provider of a service."""
    strategy = service(ecs, name)["capacityProviderStrategy"]
    return {each["capacityProvider"]: each["weight"] for each in strategy}
