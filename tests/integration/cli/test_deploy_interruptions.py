"""Ctrl-C in each step of a deployment: the step is named, nothing is locked, and it goes on."""

from __future__ import annotations

import json
import shlex
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from http_relay import HttpRelay
from in_process import CommandResult, InterruptedAt, run

from gradectl.deploy.steps import STEPS

pytestmark = pytest.mark.engine
#: This root has no queues, so its smoke test fails.
ENDS_WITH = {"smoke": 78}
SECONDS = 60  # a limit for a hung test


@pytest.fixture(name="relay")
def _relay(moto_server: str) -> Iterator[HttpRelay]:
    """A relay before the account."""
    with HttpRelay(moto_server).running() as relay:
        yield relay


def interrupted(project: Any, step: str, report: Path) -> CommandResult:
    """Deploy from a step; Ctrl-C comes when the step has been announced."""
    words = ("deploy", project.name, "--yes", "--from", step, "--report", str(report))
    return run(project.root, project.environ, *words, errors=InterruptedAt(f"] {step}: "))


def locks(project: Any) -> list[str]:
    """The locks of the state and of the deployment."""
    return [key for key in project.state_keys() if "lock" in key]


def assert_named(step: str, said: str, report: Path, resume: str) -> None:
    """The error and the report name the step and the command that resumes there."""
    document = json.loads(report.read_text())
    (failed,) = (each for each in document["steps"] if each["state"] == "failed")
    assert f"step {step} failed: stopped" in said
    assert resume in said.rpartition("next:")[2]
    assert (failed["name"], document["next_step"]) == (step, resume)


@pytest.mark.usefixtures("bootstrapped")
def test_ctrl_c_at_the_beginning_of_each_step_can_be_resumed(project: Any, tmp_path: Path) -> None:
    """With exit code 130, without a lock; the printed command does the step."""
    for step in STEPS:
        resume = f"gradectl deploy {project.name} --from {step}"

        stopped = interrupted(project, step, tmp_path / f"{step}.json")

        assert stopped.code == 130, stopped.stderr
        assert_named(step, stopped.stderr, tmp_path / f"{step}.json", resume)
        assert not locks(project)
        if step in ("plan", "gate"):
            continue  # a run from `apply` begins with `plan`, too
        again = (*shlex.split(resume)[1:], "--until", step, "--yes")
        done = run(project.root, project.environ, *again)
        assert done.code == ENDS_WITH.get(step, 0), (step, done.stderr)


@pytest.mark.parametrize(
    ("step", "call"),
    [("verify", "POST ContainerRegistry"), ("plan", "PUT /terraform.tfstate.tflock?")],
)
def test_ctrl_c_while_a_step_waits_for_the_account(
    project: Any, relay: HttpRelay, tmp_path: Path, step: str, call: str
) -> None:
    """A real process in the middle of a call, its own or one of Terraform."""
    held, report = relay.hold(*call.split()), tmp_path / "report.json"
    words = ("deploy", project.name, "--from", step, "--report", str(report))
    process = project.start(*words, GRADECTL_ENDPOINT_URL=relay.url)
    assert held.arrived.wait(SECONDS)

    process.send_signal(signal.SIGINT)
    held.pass_on()
    _, said = process.communicate(timeout=SECONDS)

    assert process.returncode == 130, said
    assert_named(step, said, report, f"gradectl deploy {project.name} --from {step}")
    assert not locks(project)
