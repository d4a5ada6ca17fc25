"""`gradectl exec`: what it needs, and that the token of the session stays out of command lines."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from moto.ecs.models import Service

from gradectl.local.control_plane.patch_ecs import store_tasks
from gradectl.local.control_plane.state import deployment_identity
from gradectl.local.desired import TaskState
from gradectl.processes.terminal import run_on_terminal


@pytest.fixture
def worker(dev: Any) -> Any:
    """A running worker in a service with ECS Exec."""
    dev.create_service(dev.register("worker:1"))
    names = {"cluster": "dev-grading-cluster", "service": "dev-grading-service"}
    dev.client("ecs").update_service(**names, enableExecuteCommand=True)
    service: Service = dev.service
    state = TaskState(deployment_identity(service.deployments[0]), "1", running=True)
    store_tasks(service, [state], deployment_identity)
    return dev


def test_without_ecs_exec_the_setting_is_named(dev: Any) -> None:
    """It is off by default."""
    dev.create_service(dev.register("worker:1"))

    result = dev.gradectl("exec", "dev", "--yes")

    assert result.code == 78
    assert "ECS Exec is disabled" in result.stderr
    assert "enable_ecs_exec: true" in result.stderr


def test_without_the_plugin_the_next_step_installs_it(worker: Any) -> None:
    """Before a session is started."""
    result = worker.gradectl("exec", "dev", "--yes", PATH="/none")

    assert result.code == 78
    assert "session-manager-plugin is not installed" in result.stderr


def test_a_plugin_that_takes_the_token_on_its_command_line_is_refused(
    worker: Any, tmp_path: Path
) -> None:
    """Other users can read command lines."""
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text("#!/bin/sh\necho 1.2.339.0\n")
    plugin.chmod(0o755)

    result = worker.gradectl("exec", "dev", "--yes", PATH=f"{tmp_path}:/bin:/usr/bin")

    assert result.code == 78
    assert "1.2.339.0 takes the session's token on its command line" in result.stderr


def test_a_dry_run_says_what_would_run_where(worker: Any) -> None:
    """And that it is not read-only."""
    result = worker.gradectl("exec", "dev", "--dry-run", "-o", "json", "--", "ls", "a b")

    assert result.code == 0, result.stderr
    assert result.document["command"] == "ls 'a b'"
    assert "this is not read-only" in result.stderr


def test_an_unknown_task_is_answered_with_the_running_ones(worker: Any) -> None:
    """Or with the doctor where none runs."""
    result = worker.gradectl("exec", "dev", "--task", "none")

    assert result.code == 1
    assert "no running task 'none'" in result.stderr
    assert "tasks: dev-grading-service-" in result.stderr


def test_the_program_of_a_session_has_its_variable_and_its_exit_code(tmp_path: Path) -> None:
    """The session is in its environment only."""
    seen = tmp_path / "seen.json"
    script = f"import os, json; json.dump(os.environ['S'], open({str(seen)!r}, 'w')); exit(7)"

    code = run_on_terminal([sys.executable, "-c", script], {"S": "x"})

    assert code == 7
    assert json.loads(seen.read_text()) == "x"
