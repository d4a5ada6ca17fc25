"""Deploys workers again that stopped because the broker did not have their user yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.ecs_models import COMPLETED, FAILED, EcsService, revision_name
from gradectl.rollouts.rollout import Rollout
from gradectl.ui import Ui


@dataclass(frozen=True)
class WorkerService:
    """
    The ECS service of the workers, in an environment or in a root of somebody's own.

    Attributes:
        cluster: Name of its cluster.
        name: Its name.
        task_definition: ARN of the revision that Terraform deploys; empty when something else
            deploys, and the current revision is the right one.
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
    aws: Aws, service: WorkerService, *, users_changed: bool
) -> Redeployment | None:
    """
    Find out whether the workers have to be deployed again; reads only.

    Workers that start before the broker has their user exit at once. After a few of them ECS marks
    the deployment as failed or rolls it back. Neither ECS nor Terraform would try again. Running
    workers stay: when the broker refuses their password, they read the new one.

    Args:
        aws: The account.
        service: The service, which need not exist.
        users_changed: Whether the users of the broker get other passwords or groups now.
    """
    found = aws.services.find(service.cluster, service.name)
    if found is None:
        return None
    wanted = service.task_definition or found.task_definition
    reason = _reason(found, wanted, users_changed=users_changed)
    return Redeployment(service, wanted, reason) if reason else None


def _reason(found: EcsService, wanted: str, *, users_changed: bool) -> str:
    """Why the workers do not start by themselves; empty when they do."""
    if revision_name(found.task_definition) != revision_name(wanted):
        return "ECS rolled it back, perhaps before the broker had its user"
    if found.rollout == FAILED:
        return "the deployment failed, perhaps before the broker had its user"
    if users_changed and (found.rollout != COMPLETED or found.running < found.desired):
        return "not all workers are running, and ECS restarts them late"
    return ""


def redeploy_failed(aws: Aws, ui: Ui, outputs: Mapping[str, Any]) -> bool:
    """
    Deploy the workers again when their ECS deployment failed.

    Args:
        aws: The account.
        ui: The terminal.
        outputs: Outputs of the root.

    Returns:
        Whether a new deployment was started.
    """
    service = service_of(outputs)
    found = plan_redeployment(aws, service, users_changed=False) if service else None
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
