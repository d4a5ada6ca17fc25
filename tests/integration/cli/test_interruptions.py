"""gradectl or Terraform is stopped or killed; what is printed then makes the environment whole."""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psutil
import pytest
from http_relay import Held, HttpRelay

from gradectl.adapters.terraform.shared import REATTACH

pytestmark = pytest.mark.engine

CREATING = "creating terraform_data.pause"
STATE, LOCK = "/terraform.tfstate?", "/terraform.tfstate.tflock?"
SECONDS = 120  # a limit for a hung test
MOST_COMMANDS = 6  # of a recovery
COMMAND = re.compile(r"gradectl [^\n]*?(?=$|\n|;)", re.MULTILINE)


@pytest.fixture(name="relay")
def _relay(moto_server: str) -> Iterator[HttpRelay]:
    """A relay before the account."""
    with HttpRelay(moto_server).running() as relay:
        yield relay


@dataclass(frozen=True)
class Apply:
    """An apply that was brought to a moment; `held` is the request that waits there."""

    process: subprocess.Popen[str]
    terraform: psutil.Process
    children: list[psutil.Process]
    held: Held | None


Begin = Callable[..., Apply]


@pytest.fixture(name="begin")
def _begin(
    project: Any,
    relay: HttpRelay,
    until_line: Callable[..., str],
    descendants: Callable[[int], list[psutil.Process]],
) -> Begin:
    """Start an apply of resources and a pause, and wait until it is at a moment."""

    def begin(moment: str, pause_seconds: int, beside: str = "aws_ssm_parameter.password") -> Apply:
        project.configure(variables={"pause_seconds": pause_seconds})
        held = None
        if moment == "first resource":
            held = relay.hold("POST", "AmazonSSM.PutParameter")
        elif moment == "upload":
            held = relay.hold("PUT", STATE)
        process = project.start(
            *("apply", project.name, "--yes", "--no-wait"),
            **{"GRADECTL_ENDPOINT_URL": relay.url, REATTACH: ""},  # with a provider of its own
        )
        said = until_line(process, "creating " if held else CREATING)
        created = f"created {beside}"
        if not held and created not in said:  # what is in progress at a kill is not recorded
            until_line(process, created)
        if moment == "unlock":
            held = relay.hold("DELETE", LOCK)
        assert held is None or held.arrived.wait(SECONDS)
        children = descendants(process.pid)
        terraform = next(each for each in children if each.name() == "terraform")
        return Apply(process, terraform, children, held)

    return begin


def next_commands(said: str) -> list[str]:
    """The commands that the end of an output says to run."""
    return COMMAND.findall(said.rpartition("next:")[2])


def make_whole(project: Any, said: str) -> list[str]:
    """Run the printed commands word for word until an apply succeeds; returns them."""
    followed: list[str] = []
    waiting = next_commands(said) or [f"gradectl apply {project.name}"]
    while len(followed) < MOST_COMMANDS:
        line = waiting.pop(0)
        followed.append(line)
        done = project.run(*shlex.split(line)[1:], "--yes")
        if " apply " in line and done.returncode == 0:
            return followed
        waiting = next_commands(done.stderr) or [f"gradectl apply {project.name}"]
    raise AssertionError((followed, said))


def assert_whole(project: Any) -> None:
    """Everything is in the account and in the state; nothing is locked or left."""
    assert project.state_keys() == ["terraform.tfstate"]
    planned = project.run("plan", project.name, "--detailed-exitcode")
    assert planned.returncode == 0, planned.stderr
    assert not list(project.root.rglob("errored*.tfstate"))


@pytest.mark.usefixtures("without_provider")
def test_a_killed_gradectl_leaves_a_terraform_that_ends_well(project: Any, begin: Begin) -> None:
    """Until then the state is locked, and the lock of a run that goes on is not released."""
    apply = begin("slow", 15, "terraform_data.greeting")
    apply.terraform.suspend()  # so that it certainly still runs
    apply.process.kill()
    apply.process.wait()

    locked = project.run("recover", project.name)
    (release,) = next_commands(locked.stderr)
    refused = project.run(*shlex.split(release)[1:])
    apply.terraform.resume()

    assert locked.returncode == 5
    assert "only if it has ended" in locked.stderr
    assert refused.returncode == 5
    assert f"Terraform still runs here for {project.name}" in refused.stderr
    assert not psutil.wait_procs(apply.children, timeout=SECONDS)[1]
    assert make_whole(project, "")
    assert_whole(project)


def test_a_killed_terraform_leaves_a_lock_and_resources_without_a_state(
    project: Any, begin: Begin
) -> None:
    """The printed commands release the lock and import what was created."""
    apply = begin("slow", 300)
    apply.terraform.kill()
    _, said = apply.process.communicate(timeout=SECONDS)
    project.configure(variables={"pause_seconds": 1})  # for the apply that makes it whole

    assert apply.process.returncode == 1
    assert "Terraform was killed by SIGKILL; the state may be incomplete" in said
    assert not psutil.wait_procs(apply.children, timeout=SECONDS)[1]
    recover, apply_again = make_whole(project, said)
    assert "--lock" in recover
    assert apply_again == f"gradectl apply {project.name}"
    assert_whole(project)


@pytest.mark.usefixtures("without_provider")
def test_a_state_that_was_not_stored_is_kept_and_stored_later(project: Any, begin: Begin) -> None:
    """Between the end of the apply and the upload; nothing is planned with the old state."""
    apply = begin("upload", 1)
    assert apply.held
    apply.held.refuse()
    _, said = apply.process.communicate(timeout=SECONDS)

    assert apply.process.returncode == 77
    (kept,) = project.root.rglob("errored-*.tfstate")
    assert str(kept) in said
    assert kept.stat().st_mode & 0o777 == 0o600
    planned = project.run("plan", project.name)
    assert (planned.returncode, "could not store an earlier state" in planned.stderr) == (5, True)
    assert make_whole(project, said)[0] == f"gradectl recover {project.name}"
    assert_whole(project)


MOMENTS = ("first resource", "slow", "upload", "unlock")


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("target", ["gradectl", "terraform"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_each_signal_at_each_moment_can_be_recovered_from(
    project: Any, begin: Begin, moment: str, target: str, number: signal.Signals
) -> None:
    """What is printed is followed word for word; a killed gradectl prints nothing."""
    apply = begin(moment, 5)
    if target == "gradectl":
        apply.process.send_signal(number)
    else:
        apply.terraform.send_signal(number)
        if number == signal.SIGKILL:
            apply.terraform.wait()
    if apply.held:  # a resource that is created while nobody listens is another case: no id
        lost = number == signal.SIGKILL or moment == "first resource"
        (apply.held.refuse if lost else apply.held.pass_on)()
    _, said = apply.process.communicate(timeout=SECONDS)
    assert not psutil.wait_procs(apply.children, timeout=SECONDS)[1]

    assert make_whole(project, said)
    assert_whole(project)
