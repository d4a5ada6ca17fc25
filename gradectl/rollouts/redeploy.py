"""Deploys workers again that stopped because the broker did not have their user yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.ecs_models import (
    COMPLETED,
    FAILED,
    ROLLBACK,
    EcsService,
    revision_name,
)
from gradectl.rollouts.rollout import Rollout
from gradectl.ui import Ui


@dataclass(frozen=True)
class WorkerService:
    """
    The ECS service of the workers, in an environment or in a root of somebody's own.

    Attributes:
        cluster: Name of its cluster.
        name: Its name.
        task_definition: ARN of the revision that should run; empty when a pipeline deploys, and
            the current revision is the right one.
        environment: Name of the environment; empty for a root that gradectl does not know.
    """

    cluster: str
    name: str
    task_definition: str = ""
    environment: str = ""


@dataclass(frozen=True)
class Redeployment:
    """A service whose workers do not start by themselves, the revision to deploy, and why."""

    service: WorkerService
    task_definition: str
    reason: str

    def __str__(self) -> str:
        """The revision and the reason, for sentences about deploying."""
        return f"{revision_name(self.task_definition)} again: {self.reason}"

    def start(self, aws: Aws, ui: Ui) -> Rollout:
        """Start the deployment, without waiting."""
        ui.say(f"deploying {self}")
        where = (self.service.cluster, self.service.name)
        started = aws.services.deploy(*where, self.task_definition)
        return Rollout(*where, self.task_definition, started, self.service.environment)


def plan_redeployment(
    aws: Aws, ui: Ui, service: WorkerService, *, users_changed: bool
) -> Redeployment | None:
    """
    Find out whether the workers have to be deployed again; reads only.

    Workers that start before the broker has their user exit at once. After a few of them ECS marks
    the deployment as failed or rolls it back. Neither ECS nor Terraform would try again. Running
    workers stay: when the broker refuses their password, they read the new one. So does another
    revision that somebody deployed, and a failed deployment of a pipeline unless users change.

    Args:
        aws: The account.
        ui: The terminal; told when another revision runs.
        service: The service, which need not exist.
        users_changed: Whether the users of the broker get other passwords or groups now.
    """
    if not (service.task_definition or users_changed):
        return None
    found = aws.services.find(service.cluster, service.name)
    if found is None:
        return None
    wanted = service.task_definition or found.task_definition
    if revision_name(found.task_definition) == revision_name(wanted):
        reason = _reason(found, users_changed=users_changed)
    elif _rolled_back(aws, service, found, wanted):
        reason = "ECS rolled it back, perhaps before the broker had its user"
    else:
        reason = ""
        running = revision_name(found.task_definition)
        ui.say(f"another revision runs, {running}, so {revision_name(wanted)} is not deployed")
    return Redeployment(service, wanted, reason) if reason else None


def plan_again(
    aws: Aws, ui: Ui, service: WorkerService, before: Redeployment | None, *, users_changed: bool
) -> Redeployment | None:
    """
    Decide anew after a question and a reboot, which take minutes; reads only.

    Args:
        aws: The account.
        ui: The terminal.
        service: The service, which need not exist.
        before: What was planned and shown; only its revision may be deployed.
        users_changed: Whether the users of the broker got other passwords or groups.
    """
    if before:
        service = replace(service, task_definition=before.task_definition)
    now = plan_redeployment(aws, ui, service, users_changed=users_changed)
    if before and not now:
        ui.say(f"{revision_name(before.task_definition)} no longer has to be deployed again")
    return now


def last_deployed(aws: Aws, cluster: str, name: str) -> str:
    """
    Find the revision that was deployed last, whether it runs or ECS rolled it back.

    Args:
        aws: The account.
        cluster: Name of the cluster.
        name: Name of the service, which need not exist.

    Returns:
        Its ARN; empty without a service or a history.
    """
    if aws.services.find(cluster, name) is None:
        return ""
    history = aws.services.history(cluster, name, "")
    return history[0].task_definition if history else ""


def _reason(found: EcsService, *, users_changed: bool) -> str:
    """Why workers of the right revision do not start by themselves; empty when they do."""
    if found.rollout == FAILED:
        return "the deployment failed, perhaps before the broker had its user"
    if not (users_changed and found.desired):
        return ""
    failing = found.primary is not None and found.primary.failed > 0
    # Others that are starting may be a scale-out or a deployment that somebody started.
    if found.running == 0 or (failing and found.rollout != COMPLETED):
        return "the workers do not run, and ECS restarts them late"
    return ""


def _rolled_back(aws: Aws, service: WorkerService, found: EcsService, wanted: str) -> bool:
    """Whether an earlier revision runs because ECS itself rolled the wanted one back."""
    family, number = _family_and_number(wanted)
    running_family, running = _family_and_number(found.task_definition)
    if running_family != family or running >= number:
        return False
    history = aws.services.history(service.cluster, service.name, "")
    return (
        bool(history)
        and history[0].status.startswith(ROLLBACK)
        and revision_name(history[0].task_definition) == revision_name(wanted)
    )


def _family_and_number(arn: str) -> tuple[str, int]:
    """Family and revision; 0 for an ARN without a revision."""
    family, _, number = revision_name(arn).rpartition(":")
    return family, int(number) if number.isdecimal() else 0


def redeploy_failed(aws: Aws, ui: Ui, outputs: Mapping[str, Any]) -> bool:
    """
    Deploy the workers again when their ECS deployment failed.

    Where a pipeline deploys, a failed deployment is the pipeline's, and is left to it.

    Args:
        aws: The account.
        ui: The terminal.
        outputs: Outputs of the root.

    Returns:
        Whether a new deployment was started.
    """
    service = service_of(outputs)
    found = plan_redeployment(aws, ui, service, users_changed=False) if service else None
    if found is None:
        return False
    found.start(aws, ui)
    return True


def service_of(outputs: Mapping[str, Any]) -> WorkerService | None:
    """
    Read the service of the workers from the outputs of a root.

    Args:
        outputs: Values by name: `cluster_name`, `service_name`, and `task_definition_arn` unless a
            pipeline deploys the image.
    """
    if not (outputs.get("cluster_name") and outputs.get("service_name")):
        return None
    return WorkerService(
        str(outputs["cluster_name"]),
        str(outputs["service_name"]),
        str(outputs.get("task_definition_arn") or ""),
        str(outputs.get("environment_name") or ""),
    )
