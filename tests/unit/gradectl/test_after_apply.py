"""Waiting for workers ends when they run, or with the reasons why they do not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws_services import Service
from gradectl.after_apply import await_service
from gradectl.errors import GradectlError
from gradectl.ui import Ui

OUTPUTS = {"cluster_name": "dev-cluster", "service_name": "dev-service"}


class ScriptedServices:
    """Gives one answer after the other, then the last for ever."""

    def __init__(self, *running: int) -> None:
        """Take the numbers of running tasks that are seen."""
        self._running = list(running)

    def get(self, cluster: str, name: str) -> Service:
        assert (cluster, name) == ("dev-cluster", "dev-service")
        running = self._running.pop(0) if len(self._running) > 1 else self._running[0]
        return Service(name, 2, running, ("was unable to place a task",))

    def stopped_reasons(self, cluster: str, name: str) -> tuple[str, ...]:
        del cluster, name
        return ("CannotPullContainerError: not found",)


def account(*running: int) -> Any:
    return SimpleNamespace(services=ScriptedServices(*running))


def test_it_is_over_when_all_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The number is said when it changes."""
    assert await_service(account(1, 2), Ui("table", {}), OUTPUTS, 60) is True
    assert capsys.readouterr().err == "waiting: 1 of 2 workers run\n2 of 2 workers run\n"


def test_a_stuck_deployment_gives_its_reasons_at_once() -> None:
    """Why tasks stopped and what the service says, without a look into the console."""
    with pytest.raises(GradectlError) as caught:
        await_service(account(0), Ui("table", {}), OUTPUTS, 0)

    assert "only 0 of 2 workers run" in caught.value.what
    assert "CannotPullContainerError" in caught.value.what
    assert "was unable to place a task" in caught.value.what
    assert caught.value.where == "ECS service dev-cluster/dev-service"


def test_a_root_without_a_service_waits_for_nothing() -> None:
    """Such as one that a team writes for the broker alone."""
    assert await_service(account(0), Ui("table", {}), {}, 0) is False
