"""A service runs until it is told to stop, whatever its program does."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue

import pytest

from gradectl.errors import ConfigurationError
from gradectl.local.desired import Container, LocalService, TaskService
from gradectl.local.platform import Launched
from gradectl.local.runner import Runner, Snapshot, State
from gradectl.processes.child import Child, Program

LONG = 30.0
SERVICE = TaskService("grading/1-1/1", "grading", Container(("x",), (), (), 5))
FOREVER = "import signal; signal.pause()"


class Watched:
    """A runner whose every snapshot goes into a queue."""

    def __init__(self, launch: Callable[[LocalService], Launched]) -> None:
        """Prepare a runner; it is started by `watching`."""
        self.seen: Queue[Snapshot] = Queue()
        self.runner = Runner(SERVICE, launch, lambda: self.seen.put(self.runner.snapshot))

    def until(self, condition: Callable[[Snapshot], bool]) -> Snapshot:
        """Wait for a snapshot."""
        while not condition(snapshot := self.seen.get(timeout=LONG)):
            pass
        return snapshot


@contextmanager
def watching(launch: Callable[[LocalService], Launched]) -> Iterator[Watched]:
    watched = Watched(launch)
    watched.runner.start()
    try:
        yield watched
    finally:
        watched.runner.stop()
        watched.runner.join()


@pytest.fixture(name="launching")
def _launching(tmp_path: Path) -> Callable[..., Callable[[LocalService], Launched]]:
    def launching(
        code: str, *, health: Callable[[], str] = lambda: ""
    ) -> Callable[[LocalService], Launched]:
        def launch(service: LocalService) -> Launched:
            command = [sys.executable, "-I", "-c", code]
            child = Child(Program(service.name, command, {}, tmp_path, tmp_path / "log"))
            return Launched(child, lambda: True, LONG, LONG, "http://127.0.0.1:1/health", health)

        return launch

    return launching


Launching = Callable[..., Callable[[LocalService], Launched]]


def test_a_service_becomes_running_and_ends_when_told(launching: Launching) -> None:
    """The plain life of a service."""
    with watching(launching(FOREVER)) as watched:
        running = watched.until(lambda each: each.state is State.RUNNING)

    assert running.pid
    assert watched.until(lambda each: each.state is State.ENDED).pid is None


def test_a_crashed_program_is_started_again(launching: Launching) -> None:
    """As ECS replaces a task that stopped; its last words are shown meanwhile."""
    with watching(launching("print('out of luck'); raise SystemExit(3)")) as watched:
        failed = watched.until(lambda each: each.state is State.FAILED)
        again = watched.until(lambda each: each.restarts == 1)

    assert "ended with 3" in failed.message
    assert "out of luck" in failed.message
    assert again.state is State.STARTING


def test_what_cannot_be_started_is_tried_again_too() -> None:
    """A missing secret may come with the next API call."""

    def launch(service: LocalService) -> Launched:
        raise ConfigurationError("a task's secret is not in Parameter Store", where=service.name)

    with watching(launch) as watched:
        failed = watched.until(lambda each: each.state is State.FAILED)
        watched.until(lambda each: each.restarts == 1)

    assert "Parameter Store" in failed.message


def test_a_mistake_of_ours_in_one_service_is_shown_and_survived() -> None:
    """The other services go on, and the traceback is where the reader looks."""

    def launch(_service: LocalService) -> Launched:
        raise ZeroDivisionError

    with watching(launch) as watched:
        failed = watched.until(lambda each: each.state is State.FAILED)

    assert "ZeroDivisionError" in failed.message


def test_a_service_that_waits_for_its_next_try_stops_at_once() -> None:
    """The pause grows to half a minute; nobody waits for that."""

    def launch(service: LocalService) -> Launched:
        raise ConfigurationError("never", where=service.name)

    with watching(launch) as watched:
        watched.until(lambda each: each.state is State.FAILED)

    assert watched.until(lambda each: each.state is State.ENDED)


def test_health_is_asked_until_it_is_good(launching: Launching) -> None:
    """A running task serves only once it says that it is healthy."""
    answers = iter(["silent", "unhealthy", "healthy"])
    launch = launching(FOREVER, health=lambda: next(answers, "healthy"))

    with watching(launch) as watched:
        first = watched.until(lambda each: each.state is State.RUNNING)
        last = watched.until(lambda each: each.health == "healthy")

    assert not first.serves
    assert last.serves
