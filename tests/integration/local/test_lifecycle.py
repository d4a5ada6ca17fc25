"""A stack starts, is found, stops, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from ended import has_ended

from gradectl.local import lifecycle
from gradectl.local.loopback import is_listening
from gradectl.local.stack import Stack, StackLocation, is_locked

pytestmark = pytest.mark.engine

ROOT = Path(__file__).resolve().parents[3]


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


def gradectl(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradectl.cli", "local", *arguments],
        env={**os.environ, "GRADECTL_LOCAL_DIR": str(directory)},
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("end", ["down", "kill"])
def test_a_stopped_or_killed_stack_leaves_no_process_and_no_port(account: Any, end: str) -> None:
    """`down` stops all services; on SIGKILL of the supervisor the kernel kills them."""
    account.create_broker()
    account.create_database()
    account.create_service(account.register(), 2)
    running = account.settle()
    stack = account.stack

    if end == "down":
        assert lifecycle.down(stack.directory)
    else:
        os.kill(stack.supervisor_pid, signal.SIGKILL)

    assert len(running) == 4
    assert has_ended(stack.supervisor_pid)
    assert all(has_ended(each.pid or 0) for each in running.values())
    ports = map(port_of, (stack.endpoint_url, stack.broker_endpoint, stack.db_endpoint))
    assert not any(map(is_listening, ports))
    assert not is_locked(stack.directory)
    assert Stack.read(stack.directory) is None


def test_a_broker_that_answers_nobody_is_silent_in_the_status(account: Any) -> None:
    """A JVM without memory ends and is restarted; any other failure to answer is shown."""
    account.create_broker()
    broker = account.settle()["broker"]
    assert broker.health == "healthy"
    command = Path(f"/proc/{broker.pid}/cmdline").read_bytes().split(b"\0")
    assert b"-XX:+ExitOnOutOfMemoryError" in command

    os.kill(broker.pid, signal.SIGSTOP)
    account.until(lambda found: found[0].health == "silent")
    status = gradectl(account.stack.directory, "status")
    os.kill(broker.pid, signal.SIGCONT)

    assert "silent" in status.stdout
    assert "broker: its process runs, but does not answer; log: " in status.stderr
    assert account.settle()["broker"].health == "healthy"


def test_up_and_down_are_idempotent(directory: Path) -> None:
    """A second `up` shows the running stack, and a second `down` does nothing."""
    documents = [json.loads(gradectl(directory, "up", "-o", "json").stdout) for _ in "12"]
    status = gradectl(directory, "status", "--wait", "10", "-o", "json")
    ends = [gradectl(directory, "down", "-o", "json") for _ in "12"]
    after = gradectl(directory, "status")

    assert documents[0] == documents[1] == json.loads(status.stdout)
    assert documents[0]["services"][0]["name"] == "control-plane"
    assert [each.returncode for each in ends] == [0, 0]
    assert [json.loads(each.stdout)["stopped"] for each in ends] == [True, False]
    assert after.returncode == 69
    assert "gradectl local up" in after.stderr


def test_a_dry_run_starts_and_stops_nothing(directory: Path) -> None:
    """It prints what would be done."""
    up = gradectl(directory, "up", "--dry-run", "-o", "json")
    down = gradectl(directory, "down", "--dry-run", "-o", "json")

    assert str(directory) in json.loads(up.stdout)["message"]
    assert json.loads(down.stdout)["dry_run"]
    assert list(directory.iterdir()) == []


def test_a_new_stack_starts_empty(account: Any, location: StackLocation) -> None:
    """No resource of an earlier account is left, even if its supervisor was killed."""
    first = account.stack
    account.create_database()
    account.settle()
    os.kill(first.supervisor_pid, signal.SIGKILL)
    assert has_ended(first.supervisor_pid)

    second = lifecycle.up(location, dict(os.environ))

    assert second.supervisor_pid != first.supervisor_pid
    assert lifecycle.services(second) == []


def test_ctrl_c_during_the_start_leaves_nothing(directory: Path) -> None:
    """The half-started stack is stopped too."""
    with subprocess.Popen(
        [sys.executable, "-m", "gradectl.cli", "local", "up"],
        env={**os.environ, "GRADECTL_LOCAL_DIR": str(directory)},
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        while not (directory / "supervisor.out").exists():
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.01)
        os.killpg(process.pid, signal.SIGINT)

    assert process.returncode == 130
    assert not is_locked(directory)
    assert Stack.read(directory) is None
