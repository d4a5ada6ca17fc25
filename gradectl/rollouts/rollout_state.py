"""Decides whether a deployment of ECS has completed; pure."""

from __future__ import annotations

from dataclasses import dataclass

from gradectl.adapters.aws.ecs_models import (
    COMPLETED,
    FAILED,
    SUCCESSFUL,
    EcsService,
    PastDeployment,
    revision_name,
)


@dataclass(frozen=True)
class RolloutState:
    """
    The state of one deployment.

    Attributes:
        text: The state in one sentence.
        done: Whether it has completed.
        failed: Whether it can no longer complete.
    """

    text: str
    done: bool = False
    failed: bool = False


def rollout_state(service: EcsService, deployment_id: str, tasks: str = "workers") -> RolloutState:
    """
    Judge a deployment by its id.

    A service is also stable after a rollback: then the workers of an earlier revision run. So the
    deployment itself is looked at, and not whether the service is stable.

    Args:
        service: The service as it is now.
        deployment_id: The deployment that was started.
        tasks: What its tasks are called.
    """
    ours, primary = service.deployment(deployment_id), service.primary
    if ours is None or ours is not primary:
        return RolloutState(_replaced(service), failed=True)
    if ours.rollout == FAILED:
        return RolloutState(f"ECS stopped the deployment: {ours.reason or FAILED}", failed=True)
    text = f"{ours.running} of {service.desired} {tasks} are running"
    if ours.failed:
        text += f", {ours.failed} failed"
    completed = ours.rollout in (COMPLETED, "")
    return RolloutState(text, done=completed and ours.running >= service.desired)


def _replaced(service: EcsService) -> str:
    """Another deployment is the primary one: a rollback, or somebody else's."""
    primary = service.primary
    if primary is None:
        return "the service has no deployment"
    name = revision_name(primary.task_definition)
    if "rolling back" in primary.reason.lower() or any(
        each.rollout == FAILED for each in service.deployments
    ):
        return f"ECS rolled back to {name}"
    return f"another deployment replaced it: {primary.deployment_id} of {name}"


def way_back(service: EcsService | None, history: tuple[PastDeployment, ...]) -> str:
    """
    Find the revision that a failed deployment of a service would return to.

    Args:
        service: The service before the deployment; None where there is none.
        history: Its deployments, newest first.

    Returns:
        Family and revision; empty when no earlier deployment has completed.
    """
    if service is None:
        return ""
    good = [each.task_definition for each in history if each.status == SUCCESSFUL]
    good += [each.task_definition for each in service.deployments if each.rollout == COMPLETED]
    return revision_name(good[0]) if good else ""
