"""Failed ECS deployments are repeated; waiting ends with running workers or with reasons."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.services import EcsService
from gradectl.deploy.rollout import redeploy_failed, redeploy_workers, wait_until_stable
from gradectl.errors import GradectlError
from gradectl.ui import Ui

OUTPUTS = {"cluster_name": "dev-cluster", "service_name": "dev-service"}


class ScriptedServices:
    """Returns its answers in turn, then repeats the last."""

    def __init__(self, *running: int) -> None:
        """Take the numbers of running tasks."""
        self._running = list(running)

    def get(self, cluster: str, name: str) -> EcsService:
        assert (cluster, name) == ("dev-cluster", "dev-service")
        running = self._running.pop(0) if len(self._running) > 1 else self._running[0]
        return EcsService(name, 2, running, ("was unable to place a task",))

    def stopped_reasons(self, cluster: str, name: str) -> tuple[str, ...]:
        del cluster, name
        return ("CannotPullContainerError: not found",)


def account(*running: int) -> Any:
    return SimpleNamespace(services=ScriptedServices(*running))


def test_waiting_ends_when_all_workers_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The number is printed when it changes."""
    assert wait_until_stable(account(1, 2), Ui("table", {}), OUTPUTS, 60) is True
    assert (
        capsys.readouterr().err
        == "waiting: 1 of 2 workers are running\n2 of 2 workers are running\n"
    )


def test_a_stuck_deployment_gives_its_reasons_at_once() -> None:
    """Reasons of stopped tasks and events of the service are in the error."""
    with pytest.raises(GradectlError) as caught:
        wait_until_stable(account(0), Ui("table", {}), OUTPUTS, 0)

    assert "only 0 of 2 workers are running" in caught.value.what
    assert "CannotPullContainerError" in caught.value.what
    assert "was unable to place a task" in caught.value.what
    assert caught.value.where == "ECS service dev-cluster/dev-service"


def test_a_root_without_a_service_waits_for_nothing() -> None:
    """For example a root with only a broker."""
    assert wait_until_stable(account(0), Ui("table", {}), {}, 0) is False


NEW = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-grading-task:8"
OLD = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-grading-task:7"


class RecordingServices:
    """A service in one state, and what was deployed to it."""

    def __init__(self, task_definition: str, rollout: str) -> None:
        """Take the state."""
        self.deployed: list[tuple[str, str, str]] = []
        self._service = EcsService("dev-service", 2, 0, (), task_definition, rollout)

    def get(self, cluster: str, name: str) -> EcsService:
        assert (cluster, name) == ("dev-cluster", "dev-service")
        return self._service

    def deploy(self, *what: str) -> None:
        self.deployed.append(what)  # type: ignore[arg-type]  # three of them


@pytest.mark.parametrize(
    ("task_definition", "rollout", "why"),
    [(NEW, "FAILED", "the deployment failed"), (OLD, "COMPLETED", "rolled it back")],
    ids=["given up", "taken back"],
)
def test_a_failed_deployment_is_repeated(
    task_definition: str, rollout: str, why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Workers that start before the broker has their user exit."""
    services = RecordingServices(task_definition, rollout)
    aws: Any = SimpleNamespace(services=services)

    assert redeploy_failed(aws, Ui("table", {}), {**OUTPUTS, "task_definition_arn": NEW}) is True

    assert services.deployed == [("dev-cluster", "dev-service", NEW)]
    said = capsys.readouterr().err
    assert "deploying dev-grading-task:8 again" in said
    assert why in said


@pytest.mark.parametrize("rollout", ["COMPLETED", "IN_PROGRESS", ""])
def test_a_running_deployment_is_not_restarted(rollout: str) -> None:
    """A running deployment is not restarted."""
    services = RecordingServices(NEW, rollout)
    aws: Any = SimpleNamespace(services=services)

    assert redeploy_failed(aws, Ui("table", {}), {**OUTPUTS, "task_definition_arn": NEW}) is False
    assert services.deployed == []


def test_a_root_without_workers_deploys_nothing() -> None:
    """For example a root with only a broker."""
    assert redeploy_failed(account(0), Ui("table", {}), {}) is False


class ReplacingServices:
    """A service whose new deployment takes the given states, and then keeps the last."""

    def __init__(self, *states: tuple[str, str, int]) -> None:
        """Take deployment id, rollout and number of running tasks of each poll."""
        self._states = [("ecs-svc/1", "COMPLETED", 2), *states]

    def get(self, _cluster: str, name: str) -> EcsService:
        identity, rollout, running = self._states[0]
        del self._states[: len(self._states) > 1]
        return EcsService(name, 2, running, (), NEW, rollout, identity)

    def deploy(self, cluster: str, name: str, task_definition: str) -> None:
        assert (cluster, name, task_definition) == ("dev-cluster", "dev-service", NEW)

    def stopped_reasons(self, _cluster: str, _name: str) -> tuple[str, ...]:
        return ("exited with 77",)


def test_workers_are_replaced_when_the_new_deployment_is_complete() -> None:
    """The old deployment was complete as well, and its workers count as running for a while."""
    services = ReplacingServices(
        ("ecs-svc/1", "COMPLETED", 2),
        ("ecs-svc/2", "IN_PROGRESS", 2),
        ("ecs-svc/2", "COMPLETED", 2),
    )
    aws: Any = SimpleNamespace(services=services)

    redeploy_workers(
        aws, Ui("table", {}), "dev-cluster", "dev-service", 60, make_pause=lambda _: lambda: True
    )

    assert services.get("", "").deployment_id == "ecs-svc/2"


def test_a_replacement_that_ecs_stopped_has_its_reasons_at_once() -> None:
    """Without waiting for the time limit."""
    aws: Any = SimpleNamespace(services=ReplacingServices(("ecs-svc/2", "FAILED", 0)))

    with pytest.raises(GradectlError, match="exited with 77"):
        redeploy_workers(aws, Ui("table", {}), "dev-cluster", "dev-service", 600)
