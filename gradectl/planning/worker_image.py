"""Finds a plan whose workers have no image yet, and refuses to apply it; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping

from gradectl.errors import ConfigurationError
from gradectl.planning.plan import Action, Plan

#: The tag that `environments/workers.tf` names while no image was chosen; no push creates it.
NOT_PUSHED = "not-pushed"
_DEFINITION = "aws_ecs_task_definition"
#: The service whose revision a pipeline deploys; no apply changes it after its creation.
_PIPELINE_SERVICE = ".aws_ecs_service.pipeline[0]"


def has_no_image(plan: Plan) -> bool:
    """Whether the workers would have an image that does not exist, because none was chosen."""
    definitions = [
        each.after.get("container_definitions")
        for each in plan.resources
        if each.kind == _DEFINITION and isinstance(each.after, Mapping)
    ]
    images = [
        str(container.get("image"))
        for text in definitions
        if isinstance(text, str)
        for container in json.loads(text)
    ]
    unpushed = any(each.endswith(f"-grading-worker:{NOT_PUSHED}") for each in images)
    return unpushed and not _keeps_image(plan)


def _keeps_image(plan: Plan) -> bool:
    """Whether there is a service that keeps the revision that a pipeline deployed."""
    begun = {each.address for each in plan.changes if each.action is Action.REPLACE}
    return any(
        each.address.endswith(_PIPELINE_SERVICE)
        and None not in (each.before, each.after)
        and each.address not in begun
        for each in plan.resources
    )


def missing_image(environment_name: str) -> ConfigurationError:
    """The error of an environment without an image."""
    return ConfigurationError(
        "no image of the workers was pushed, so none of them would start",
        where=f"environment {environment_name}",
        next_step=f"gradectl image push {environment_name}; or set grading_container_image in"
        " environment.yaml",
    )


def require_image(plan: Plan, environment_name: str, *, emulated: bool) -> None:
    """
    Refuse a plan whose workers have no image.

    Args:
        plan: The plan.
        environment_name: The environment.
        emulated: Whether it is emulated; then its workers need no image.

    Raises:
        ConfigurationError: They have none.
    """
    if has_no_image(plan) and not emulated:
        raise missing_image(environment_name)
