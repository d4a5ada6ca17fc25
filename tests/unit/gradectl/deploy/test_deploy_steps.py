"""What the steps of `gradectl deploy` do with a plan and the outputs of a root without services."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.deploy.deploy_steps import DeployOptions, DeploySteps
from gradectl.environment import Environment
from gradectl.errors import RefusedError
from gradectl.planning.plan import Action, Change, Plan
from gradectl.ui import Ui

KIND = "aws_ssm_parameter"
CREATE = Change(f"{KIND}.x", KIND, Action.CREATE, (), "", None, {}, {})


class RecordedDeployment:
    """Plans what it was given, and records what was changed."""

    def __init__(self, *changes: Change, assume_yes: bool = True) -> None:
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
        self._changes = changes

    def plan(self) -> Plan:
        self.calls.append("plan")
        return Plan(self._changes, ())

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
