"""Which revisions of a task definition ran, and which one a rollback returns to; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from gradectl.adapters.aws.ecs_models import (
    COMPLETED,
    ROLLBACK,
    SUCCESSFUL,
    EcsService,
    PastDeployment,
    TaskRevision,
    revision_name,
)
from gradectl.errors import RefusedError, UsageError

RUNNING, STARTING, GOOD, FAILED, UNUSED = "running", "starting", "good", "failed", ""
_REVISION = re.compile(r"(?:.*:)?(\d+)")


@dataclass(frozen=True)
class RevisionState:
    """
    A revision with its history.

    Attributes:
        revision: The revision.
        image: Its image, with the digest that ECS resolved where that is known.
        state: `running`, `starting`, `good` (a deployment of it completed), `failed` (none did),
            or empty when none is known.
        deployed_at: When it was deployed last.
    """

    revision: TaskRevision
    image: str
    state: str
    deployed_at: datetime | None = None


def revision_states(
    revisions: Sequence[TaskRevision], service: EcsService | None, history: Sequence[PastDeployment]
) -> list[RevisionState]:
    """
    Combine revisions with the history of a service.

    Args:
        revisions: The revisions, newest first.
        service: The service; None where there is none.
        history: Its deployments of the last 90 days, newest first.
    """
    return [_state(each, service, history) for each in revisions]


def rollback_target(
    states: Sequence[RevisionState],
    service: EcsService,
    history: Sequence[PastDeployment],
    wanted: str | None,
    environment: str,
) -> RevisionState:
    """
    Choose the revision that a rollback deploys.

    Args:
        states: All revisions that can be deployed, newest first.
        service: The service.
        history: Its deployments, newest first.
        wanted: A revision, as its number, `family:number` or ARN; None for the latest good one
            before the current.
        environment: Name of the environment, for the next step of errors.

    Raises:
        RefusedError: There is no such revision, it is running, no earlier deployment completed, or
            ECS has already rolled the latest deployment back.
        UsageError: `wanted` is not a revision.
    """
    hint = f"gradectl revisions {environment}"
    if wanted is None:
        if history and history[0].status.startswith(ROLLBACK):
            text = (
                f"ECS has already rolled back {revision_name(history[0].task_definition)};"
                f" {revision_name(service.task_definition)} is deployed"
            )
            step = f"name a revision to go back further: {hint}"
            raise RefusedError(text, where=service.name, next_step=step)
        found = _latest_good(states, service)
        if found is None:
            text = "no other revision has completed a deployment, so there is no way back"
            step = f"{hint}; then name one, or fix the cause and deploy again"
            raise RefusedError(text, where=service.name, next_step=step)
        return found
    number = _REVISION.fullmatch(wanted)
    if number is None:
        raise UsageError(f"{wanted!r} is not a revision", where="REVISION", next_step=hint)
    named = [each for each in states if each.revision.number == int(number[1])]
    if not named:
        raise RefusedError(f"revision {wanted} does not exist", where=service.name, next_step=hint)
    if named[0].state == RUNNING:
        text = f"{named[0].revision.name} is the running revision"
        raise RefusedError(text, where=service.name, next_step=hint)
    return named[0]


def revision_with_image(
    states: Sequence[RevisionState], service: EcsService, image: str
) -> RevisionState | None:
    """
    Choose the revision of another service that runs an image.

    Args:
        states: All revisions of that service, newest first.
        service: That service.
        image: The image.

    Returns:
        The current revision if it has the image, or else the newest good one, or else the newest
        one; None when no revision has it.
    """
    current = revision_name(service.task_definition)
    found = [each for each in states if image in (each.image, each.revision.image)]
    ordered = sorted(
        found, key=lambda each: (each.revision.name != current, each.state not in (GOOD, RUNNING))
    )
    return ordered[0] if ordered else None


def _latest_good(states: Sequence[RevisionState], service: EcsService) -> RevisionState | None:
    current = revision_name(service.task_definition)
    good = [
        each
        for each in states
        if each.state == GOOD and each.revision.name != current and each.deployed_at
    ]
    return max(
        good, key=lambda each: each.deployed_at.timestamp() if each.deployed_at else 0, default=None
    )


def _state(
    revision: TaskRevision, service: EcsService | None, history: Sequence[PastDeployment]
) -> RevisionState:
    past = [each for each in history if revision_name(each.task_definition) == revision.name]
    deployed_at = past[0].created_at if past else None
    image = next((each.image for each in past if each.image), revision.image)
    return RevisionState(revision, image, _word(revision, service, past), deployed_at)


def _word(
    revision: TaskRevision, service: EcsService | None, past: Sequence[PastDeployment]
) -> str:
    primary = service.primary if service else None
    if primary and revision_name(primary.task_definition) == revision.name:
        if primary.rollout in (COMPLETED, ""):
            return RUNNING
        return FAILED if primary.rollout == "FAILED" else STARTING
    if any(each.status == SUCCESSFUL for each in past):
        return GOOD
    return FAILED if past else UNUSED
