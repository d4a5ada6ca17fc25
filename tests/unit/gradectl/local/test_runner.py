"""A runner restarts its program until `stop`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from gradectl.errors import ConfigurationError
from gradectl.local.desired import Container, LocalService, OneOffTask, TaskService
from gradectl.local.platform import LaunchedProgram
from gradectl.local.runner import Runner, ServiceState, Snapshot
from gradectl.processes.child import Child, ProgramSpec

LONG = 30.0
ONCE = OneOffTask("run-task/1", "1", Container(("x",), (), (), 5))
SERVICE = TaskService("grading/1-1/1", "grading", Container(("x",), (), (), 5))
WAITS = "import signal; signal.pause()"


class Watched:
    """A runner whose snapshots go into a queue."""

    def __init__(
        self, launch: Callable[[LocalService], LaunchedProgram], service: LocalService
    ) -> None:
        """Prepare a runner; `watching` starts it."""
        self.seen: Queue[Snapshot] = Queue()
        self.runner = Runner(service, launch, lambda: self.seen.put(self.runner.snapshot))

    def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        """Wait for a snapshot."""
        while not condition(snapshot := self.seen.get(timeout=LONG)):
            pass
        return snapshot


@contextmanager
def watching(
    launch: Callable[[LocalService], LaunchedProgram], service: LocalService = SERVICE
) -> Iterator[Watched]:
    watched = Watched(launch, service)
    watched.runner.start()
    try:
        yield watched
    finally:
        watched.runner.stop()
        watched.runner.join()


@pytest.fixture(name="launching")
def _launching(tmp_path: Path) -> Callable[..., Callable[[LocalService], LaunchedProgram]]:
    def launching(
        code: str, *, health: Callable[[], str] = lambda: "", leave_seconds: float = 0.0
    ) -> Callable[[LocalService], LaunchedProgram]:
        def launch(service: LocalService) -> LaunchedProgram:
            command = [sys.executable, "-I", "-c", code]
            child = Child(ProgramSpec(service.name, command, {}, tmp_path, tmp_path / "log"))
            return LaunchedProgram(
                child,
                lambda: True,
                LONG,
                LONG,
                "http://127.0.0.1:1/health",
                health,
                leave_seconds=leave_seconds,
            )

        return launch

    return launching


Launching = Callable[..., Callable[[LocalService], LaunchedProgram]]


def test_a_service_runs_until_stop(launching: Launching) -> None:
    """The life cycle without failures."""
    with watching(launching(WAITS)) as watched:
        running = watched.until(lambda each: each.state is ServiceState.RUNNING)

    assert running.pid
    assert watched.until(lambda each: each.state is ServiceState.ENDED).pid is None


def test_a_task_behind_a_load_balancer_has_time_for_its_last_calls(
    launching: Launching, tmp_path: Path
) -> None:
    """It is no target any more, but a connection may be on its way; SIGTERM comes later."""
    calls = tmp_path / "calls"
    os.mkfifo(calls)
    launch = launching(f"print('answered', open({str(calls)!r}).readline())", leave_seconds=LONG)

    with watching(launch) as watched, calls.open("r+b", buffering=0) as call:
        watched.until(lambda each: each.state is ServiceState.RUNNING)
        watched.runner.stop()
        assert watched.runner.snapshot.state is ServiceState.STOPPING
        call.write(b"the last one\n")
        watched.until(lambda each: each.state is ServiceState.ENDED)

    assert "answered the last one" in (tmp_path / "log").read_text()


def test_a_crashed_program_is_restarted(
    launching: Launching, caplog: pytest.LogCaptureFixture
) -> None:
    """As ECS replaces a stopped task; the message quotes its output, and the log keeps it."""
    with watching(launching("print('out of luck'); raise SystemExit(3)")) as watched:
        failed = watched.until(lambda each: each.state is ServiceState.FAILED)
        again = watched.until(lambda each: each.restarts == 1)

    assert "exited with status 3" in failed.message
    assert "out of luck" in failed.message
    assert "out of luck" in caplog.messages[0]
    assert again.state is ServiceState.STARTING


def test_a_program_that_cannot_be_started_is_retried() -> None:
    """The next API call may create a missing secret."""

    def launch(service: LocalService) -> LaunchedProgram:
        raise ConfigurationError("a task's secret is not in Parameter Store", where=service.name)

    with watching(launch) as watched:
        failed = watched.until(lambda each: each.state is ServiceState.FAILED)
        watched.until(lambda each: each.restarts == 1)

    assert "Parameter Store" in failed.message


def test_an_unexpected_exception_is_shown_and_does_not_end_the_runner() -> None:
    """The other services keep running, and the message has the traceback."""

    def launch(_service: LocalService) -> LaunchedProgram:
        raise ZeroDivisionError

    with watching(launch) as watched:
        failed = watched.until(lambda each: each.state is ServiceState.FAILED)

    assert "ZeroDivisionError" in failed.message


def test_a_service_that_waits_for_its_restart_stops_immediately() -> None:
    """Stopping does not wait for the pause, which grows to 30 s."""

    def launch(service: LocalService) -> LaunchedProgram:
        raise ConfigurationError("never", where=service.name)

    with watching(launch) as watched:
        watched.until(lambda each: each.state is ServiceState.FAILED)

    assert watched.until(lambda each: each.state is ServiceState.ENDED)


def test_a_task_is_serving_once_it_is_healthy(launching: Launching) -> None:
    """The health check repeats until it succeeds."""
    answers = iter(["silent", "unhealthy", "healthy"])
    launch = launching(WAITS, health=lambda: next(answers, "healthy"))

    with watching(launch) as watched:
        first = watched.until(lambda each: each.state is ServiceState.RUNNING)
        last = watched.until(lambda each: each.health == "healthy")

    assert not first.is_serving
    assert last.is_serving


def test_a_one_off_task_runs_once(launching: Launching) -> None:
    """Its runner ends with it and has its exit status, also when that is an error."""
    with watching(launching("raise SystemExit(3)"), ONCE) as watched:
        running = watched.until(lambda each: each.state is ServiceState.RUNNING)
        ended = watched.until(lambda each: each.state is ServiceState.ENDED)

    assert running.pid
    assert (ended.pid, ended.restarts, watched.runner.exit_status) == (None, 0, 3)


def test_a_one_off_task_that_cannot_be_started_has_no_exit_status() -> None:
    """The message has the reason, and the start is not repeated."""

    def launch(service: LocalService) -> LaunchedProgram:
        raise ConfigurationError("a task's secret is not in Parameter Store", where=service.name)

    with watching(launch, ONCE) as watched:
        ended = watched.until(lambda each: each.state is ServiceState.ENDED)

    assert "Parameter Store" in ended.message
    assert watched.runner.exit_status is None
