"""Which revision a rollback returns to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gradectl.adapters.aws.ecs_models import (
    EcsDeployment,
    EcsService,
    PastDeployment,
    TaskRevision,
)
from gradectl.errors import RefusedError
from gradectl.rollouts.revisions import revision_states, rollback_target

FAMILY = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-task"
REVISIONS = [TaskRevision(f"{FAMILY}:{number}", f"worker:{number}") for number in (3, 2, 1)]
NOW = datetime(2026, 1, 10, tzinfo=UTC)


def past(number: int, status: str, days: int, image: str = "") -> PastDeployment:
    return PastDeployment(f"{FAMILY}:{number}", status, NOW - timedelta(days=days), image)


def service(number: int, rollout: str) -> EcsService:
    arn = f"{FAMILY}:{number}"
    return EcsService("s", 1, 1, 0, arn, (EcsDeployment("id", arn, rollout=rollout),))


def test_the_way_back_is_the_last_good_deployment_and_not_the_number_before() -> None:
    """Revision 2 never ran well; 1 was deployed after it."""
    history = [past(3, "STOPPED", 0), past(1, "SUCCESSFUL", 1), past(2, "STOPPED", 2)]
    states = revision_states(REVISIONS, service(3, "FAILED"), history)

    assert [each.state for each in states] == ["failed", "failed", "good"]
    found = rollback_target(states, service(3, "FAILED"), history, None, "dev")
    assert found.revision.number == 1


def test_a_deployment_that_ecs_rolled_back_needs_no_rollback() -> None:
    """Otherwise the revision before the good one would be deployed by mistake."""
    history = [
        past(3, "ROLLBACK_SUCCESSFUL", 0),
        past(2, "SUCCESSFUL", 1),
        past(1, "SUCCESSFUL", 2),
    ]
    states = revision_states(REVISIONS, service(2, "COMPLETED"), history)

    with pytest.raises(RefusedError, match="ECS has already rolled back dev-task:3") as caught:
        rollback_target(states, service(2, "COMPLETED"), history, None, "dev")

    assert "dev-task:2 is deployed" in caught.value.what
    assert rollback_target(states, service(2, "COMPLETED"), history, "1", "dev")


def test_the_image_is_the_one_that_ecs_resolved() -> None:
    """A tag may be moved; the digest of the deployment is what ran."""
    digest = "worker@sha256:" + "a" * 64
    history = [past(1, "SUCCESSFUL", 1, digest)]

    states = revision_states(REVISIONS, None, history)

    assert states[2].image == digest
    assert states[0].image == "worker:3"
    assert states[0].state == ""


def test_a_deployment_in_progress_is_starting() -> None:
    """Neither good nor failed."""
    states = revision_states(REVISIONS, service(3, "IN_PROGRESS"), [])

    assert states[0].state == "starting"
