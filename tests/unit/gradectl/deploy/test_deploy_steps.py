"""What the steps of `gradectl deploy` do with a plan and the outputs of a root without services."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.ecs_models import EcsDeployment, EcsService
from gradectl.deploy.deploy_steps import DeployOptions, DeploySteps
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, RefusedError
from gradectl.planning.plan import Action, Change, Plan, Resource
from gradectl.planning.worker_image import NOT_PUSHED
from gradectl.ui import Ui

KIND = "aws_ssm_parameter"
CREATE = Change(f"{KIND}.x", KIND, Action.CREATE, (), "", None, {}, {})
CONTAINERS = json.dumps([{"image": f"x.example.com/dev-grading-worker:{NOT_PUSHED}"}])
WITHOUT_IMAGE = Resource(
    "aws_ecs_task_definition.this",
    "aws_ecs_task_definition",
    "",
    None,
    {"container_definitions": CONTAINERS},
)


class RecordedDeployment:
    """Plans what it was given, and records what was changed."""

    def __init__(
        self, *changes: Change, assume_yes: bool = True, resources: tuple[Resource, ...] = ()
    ) -> None:
        """Take the changes of the plan."""
        ui = Ui("table", {}, assume_yes=assume_yes)
        self.app = SimpleNamespace(
            ui=ui, project_root=Path("/nonexistent"), environ={}, stack=lambda _: None
        )
        self.environment = Environment(
            schema_version=1, name="dev", account_id="123456789012", region="eu-west-1"
        )
        self.aws: Any = SimpleNamespace(
            logs=None, services=SimpleNamespace(find=lambda *_names: None)
        )
        self.calls: list[str] = []
        self._planned = Plan(changes, (), resources=resources)

    def plan(self) -> Plan:
        self.calls.append("plan")
        return self._planned

    def apply(self) -> dict[str, Any]:
        self.calls.append("apply")
        return {}

    def outputs(self, *, initialise: bool = False) -> dict[str, Any]:
        self.calls.append("init and outputs" if initialise else "outputs")
        return {}


def steps(deployment: Any, **options: Any) -> DeploySteps:
    return DeploySteps(
        deployment,
        DeployOptions(**options),
        image=lambda: "pushed",
        smoke=lambda: "1 queue",
    )


def run(deployment: Any, names: str, **options: Any) -> list[str]:
    work = steps(deployment, **options).work
    return [work[name]() for name in names.split()]


def test_one_plan_is_asked_about_and_applied() -> None:
    """The outputs of the apply serve the later steps."""
    deployment = RecordedDeployment(CREATE)

    details = run(deployment, "plan gate apply secrets migrate wait smoke")

    assert deployment.calls == ["plan", "apply"]
    assert details[:3] == ["1 to create", "confirmed", "1 created"]
    assert details[3] == "the environment has no broker of its own"
    assert details[-1] == "1 queue"


def test_nothing_to_change_is_not_applied() -> None:
    """No question and no apply; the outputs come from the state."""
    deployment = RecordedDeployment(assume_yes=False)

    assert run(deployment, "plan gate apply")[2] == "nothing to change"
    assert deployment.calls == ["plan", "outputs"]


def test_a_gate_without_an_answer_stops_the_run() -> None:
    """Nobody is there to ask."""
    deployment = RecordedDeployment(CREATE, assume_yes=False)

    with pytest.raises(RefusedError):
        run(deployment, "plan gate apply")

    assert deployment.calls == ["plan"]


def test_a_run_that_begins_later_reads_the_state_once() -> None:
    """With `terraform init`, because the checkout may be new."""
    deployment = RecordedDeployment(CREATE)

    run(deployment, "secrets wait")

    assert deployment.calls == ["init and outputs"]


def test_a_dry_run_only_plans() -> None:
    """Each step says what it would do."""
    deployment = RecordedDeployment(CREATE, assume_yes=False)

    details = run(deployment, "plan gate apply wait smoke", dry_run=True)

    assert deployment.calls == ["plan"]
    assert all(text.startswith("would ") for text in details[1:])


@pytest.mark.parametrize("dry_run", [True, False], ids=["dry run", "real run"])
def test_a_run_without_an_image_is_refused_as_its_dry_run_says(dry_run: bool) -> None:
    """What the dry run promises is what happens."""
    deployment = RecordedDeployment(CREATE, resources=(WITHOUT_IMAGE,))

    with pytest.raises(ConfigurationError, match="no image of the workers was pushed"):
        run(deployment, "plan gate apply", dry_run=dry_run)

    assert deployment.calls == ["plan"]


def test_the_dry_run_of_a_run_that_pushes_the_image_needs_none() -> None:
    """The real run plans with the image that it has pushed."""
    deployment = RecordedDeployment(CREATE, resources=(WITHOUT_IMAGE,))

    details = run(deployment, "plan gate apply", dry_run=True, builds_image=True)

    assert details[-1] == "would apply: 1 to create"


def test_the_deployments_of_the_workers_and_of_the_api_are_waited_for() -> None:
    """Both have completed before the smoke test; the API has a task definition of its own."""
    arns = {name: f"arn:aws:ecs:x:1:task-definition/{name}:3" for name in ("workers", "api")}
    deployment = RecordedDeployment()
    deployment.environment = deployment.environment.model_copy(
        update={"variables": {"enable_api": True}}
    )
    asked = []

    def get(cluster: str, name: str) -> EcsService:
        asked.append((cluster, name))
        rollout = EcsDeployment(
            f"ecs-svc/{name}", arns[name], rollout="COMPLETED", desired=1, running=1
        )
        return EcsService(name, 1, 1, 0, arns[name], (rollout,))

    deployment.aws.services = SimpleNamespace(get=get, find=get, history=lambda *_: ())
    outputs = {
        "cluster_name": "dev",
        "service_name": "workers",
        "task_definition_arn": arns["workers"],
        "api_service_name": "api",
        "api_url": "https://grading.example.com/",
        "api_task_definition_arn": arns["api"],
    }
    deployment.outputs = lambda **_: outputs  # type: ignore[method-assign]  # a fake of this test

    details = run(deployment, "wait")

    assert details == ["the workers and the HTTP API run, at https://grading.example.com/"]
    assert set(asked) == {("dev", "workers"), ("dev", "api")}
