"""`gradectl exec`: what it needs, and that the token of the session stays out of command lines."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from moto.core.exceptions import JsonRESTError
from moto.ecs.models import Service
from moto.ecs.responses import EC2ContainerServiceResponse

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


#: A Session Manager plugin that writes down what it got, and ends with 7.
PLUGIN = f"""#!{sys.executable} -I
import json, os, sys
from pathlib import Path
if sys.argv[1:] == ["--version"]:
    print("1.2.707.0")
    sys.exit()
session = os.environ["AWS_SSM_START_SESSION_RESPONSE"]
seen = {{"arguments": sys.argv[1:], "session": json.loads(session)}}
Path(sys.argv[0]).with_name("seen.json").write_text(json.dumps(seen))
sys.exit(7)
"""
TOKEN = "Token-of-the-session-9f2c"
SESSION = {
    "sessionId": "ecs-execute-command-1",
    "streamUrl": "wss://ssmmessages.ap-northeast-2.amazonaws.com/v1/data-channel/1",
    "tokenValue": TOKEN,
}


@dataclass
class Sessions:
    """Sessions that were asked for; `refusal` answers all of them."""

    requests: list[dict[str, Any]] = field(default_factory=list)
    refusal: str = ""


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """The folder of a plugin that is new enough."""
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "session-manager-plugin"
    program.write_text(PLUGIN)
    program.chmod(0o755)
    return folder


@pytest.fixture
def sessions() -> Iterator[Sessions]:
    """ExecuteCommand of ECS, which moto lacks."""
    made = Sessions()

    def execute_command(response: EC2ContainerServiceResponse) -> str:
        made.requests.append(json.loads(response.body))
        if made.refusal:
            raise JsonRESTError("TargetNotConnectedException", made.refusal)
        return json.dumps({"session": SESSION})

    EC2ContainerServiceResponse.execute_command = execute_command
    yield made
    del EC2ContainerServiceResponse.execute_command


def test_the_plugin_gets_the_session_in_a_variable_and_the_target_as_argument(
    worker: Any, plugin: Path, sessions: Sessions
) -> None:
    """As from the AWS command line, but the token is in no command line; its exit code is ours."""
    result = worker.gradectl(
        "exec", "dev", "--yes", "--", "ls", "a b", PATH=f"{plugin}:{os.environ['PATH']}"
    )

    assert result.code == 7, result.stderr
    (request,) = sessions.requests
    seen = json.loads((plugin / "seen.json").read_text())
    region, action, profile, target, endpoint = seen["arguments"][1:]
    assert (request["command"], request["container"]) == ("ls 'a b'", "grading-worker")
    assert seen["arguments"][0] == "AWS_SSM_START_SESSION_RESPONSE"
    assert (region, action, profile) == ("ap-northeast-2", "StartSession", "")
    assert endpoint == "https://ssm.ap-northeast-2.amazonaws.com"
    assert json.loads(target)["Target"].startswith(f"ecs:dev-grading-cluster_{request['task']}_")
    assert seen["session"] == {
        "SessionId": SESSION["sessionId"],
        "StreamUrl": SESSION["streamUrl"],
        "TokenValue": TOKEN,
    }
    assert TOKEN not in " ".join(seen["arguments"]) + result.stdout + result.stderr


def test_a_session_that_ecs_refuses_starts_no_plugin(
    worker: Any, plugin: Path, sessions: Sessions
) -> None:
    """The agent of a task that has just started does not run yet."""
    sessions.refusal = "the agent does not run"

    result = worker.gradectl("exec", "dev", "--yes", PATH=f"{plugin}:{os.environ['PATH']}")

    assert result.code == 1
    assert "the agent does not run" in result.stderr
    assert not (plugin / "seen.json").exists()


def test_ctrl_c_is_for_the_remote_program() -> None:
    """The terminal sends it to both; gradectl goes on and returns the exit code of the plugin."""
    plugin = "import signal\ntry:\n print('ready', flush=True); signal.pause()\n"
    plugin += "except KeyboardInterrupt:\n raise SystemExit(9)"
    caller = (
        "import os, sys\nfrom gradectl.processes.terminal import run_on_terminal\n"
        "sys.exit(run_on_terminal([sys.executable, '-c', sys.argv[1]], dict(os.environ)))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", caller, plugin],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        os.killpg(process.pid, signal.SIGINT)

    assert process.returncode == 9


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
