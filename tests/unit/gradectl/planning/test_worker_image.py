"""Without an image of the workers nothing is applied."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from plans import item, plan_of

from gradectl.errors import ConfigurationError
from gradectl.planning.plan import Plan
from gradectl.planning.worker_image import NOT_PUSHED, require_image

ROOT = Path(__file__).resolve().parents[4]
REPOSITORY = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/dev-grading-worker"
MISSING = f"{REPOSITORY}:{NOT_PUSHED}"
DEFINITION = "module.ecs_grading.aws_ecs_task_definition.this"


def plan(image: str) -> Plan:
    containers = [{"name": "grading-worker", "image": image}]
    return plan_of(item(DEFINITION, {"container_definitions": json.dumps(containers)}))


def test_workers_without_an_image_are_refused() -> None:
    """The apply would take twenty minutes and end with workers that cannot start."""
    with pytest.raises(ConfigurationError) as caught:
        require_image(plan(MISSING), "dev", emulated=False)

    assert "no image of the workers was pushed" in caught.value.what
    assert caught.value.next_step.startswith("gradectl image push dev")


@pytest.mark.parametrize("image", [f"{REPOSITORY}:1.0", f"{REPOSITORY}@sha256:{'0' * 64}"])
def test_an_image_is_enough(image: str) -> None:
    """Whether it exists is the question of `gradectl verify`."""
    require_image(plan(image), "dev", emulated=False)


def test_workers_of_the_local_stack_need_no_image() -> None:
    """Nor does a plan without workers."""
    require_image(plan(MISSING), "dev", emulated=True)
    require_image(plan_of(item(DEFINITION, None, {})), "dev", emulated=False)


SERVICE = {"desired_count": 2, "task_definition": "dev-grading:7"}
KEEPS = "module.ecs_grading.aws_ecs_service.pipeline[0]"
OWN = "module.ecs_grading.aws_ecs_service.this[0]"


def with_service(address: str, *, existing: bool = True, **change: Any) -> Plan:
    """A plan without an image, and a service."""
    containers = [{"name": "grading-worker", "image": MISSING}]
    return plan_of(
        item(DEFINITION, {"container_definitions": json.dumps(containers)}),
        item(address, SERVICE, SERVICE if existing else None, **change),
    )


def test_where_a_pipeline_deploys_the_running_workers_keep_their_image() -> None:
    """The plan registers a revision that nothing deploys."""
    require_image(with_service(KEEPS), "dev", emulated=False)


@pytest.mark.parametrize(
    "found",
    [
        with_service(OWN),
        with_service(KEEPS, existing=False),
        with_service(KEEPS, actions=["delete", "create"]),
    ],
    ids=["not a pipeline", "new", "replaced"],
)
def test_a_service_that_begins_with_the_revision_of_terraform_needs_an_image(found: Plan) -> None:
    """As a new one does, also where a pipeline deploys later."""
    with pytest.raises(ConfigurationError):
        require_image(found, "dev", emulated=False)


def test_the_module_has_the_service_of_this_name() -> None:
    """It ignores changes of the revision."""
    text = (ROOT / "modules/ecs-grading/service.tf").read_text()
    service = text.partition('resource "aws_ecs_service" "pipeline" {')[2].partition("\n}")[0]

    assert "task_definition" in service.partition("ignore_changes")[2].partition("]")[0]


def test_the_root_names_this_image_while_none_is_chosen() -> None:
    """And no tag that somebody would push."""
    text = (ROOT / "environments" / "workers.tf").read_text()

    assert f'"${{var.environment_name}}-grading-worker:{NOT_PUSHED}"' in text
    assert ":latest" not in text
