"""What runs follows what is wanted, and in the end everything goes in the right order."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from gradectl.local.desired import (
    BROKER,
    Cloud,
    CloudBroker,
    CloudService,
    Container,
    LocalService,
)
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.platform import Launched
from gradectl.local.reconciler import Reconciler, running_tasks
from gradectl.local.runner import Snapshot, State
from gradectl.processes.child import Child, Program

LONG = 30.0
CONTAINER = Container(("grader", "worker"), (), (), 5)
BROKER_IN_FORCE = CloudBroker("b-1", 0, BrokerSpec("local", "<broker/>", (BrokerUser("u", "p"),)))
#: Ends on SIGTERM in good order, and says so in the log that all share.
PROGRAM = """
import signal, sys
def end(*_):
    print("ended", sys.argv[1], flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("started", sys.argv[1], flush=True)
signal.pause()
"""


class World:
    """An account that can be changed, and programs that only wait."""

    def __init__(self, directory: Path) -> None:
        """Begin with an empty account."""
        self.cloud = Cloud()
        self.broken = False
        self.reports: list[tuple[Cloud, list[Snapshot]]] = []
        self.log = directory / "log"
        self.log.touch()
        self.reconciler = Reconciler(
            self._observe, self._launch, lambda cloud, what: self.reports.append((cloud, what))
        )

    def _observe(self) -> Cloud:
        if self.broken:
            raise KeyError("changed while it was read")
        return self.cloud

    def _launch(self, service: LocalService) -> Launched:
        command = [sys.executable, "-I", "-c", PROGRAM, service.name]
        child = Child(Program(service.name, command, {}, self.log.parent, self.log))
        return Launched(
            child, lambda: f"started {service.name}\n" in self.log.read_text(), LONG, LONG, ""
        )

    def becomes(self, cloud: Cloud) -> list[str]:
        """Change the account and wait until what runs is what it says."""
        self.cloud = cloud
        self.reconciler.wake()
        assert self.reconciler.wait_until_settled(LONG)
        return [each.name for each in self.reconciler.snapshots()]


@pytest.fixture(name="world")
def _world(tmp_path: Path) -> World:
    return World(tmp_path)


@contextmanager
def reconciling(world: World) -> Iterator[None]:
    thread = threading.Thread(target=world.reconciler.run)
    thread.start()
    try:
        yield
    finally:
        world.reconciler.stop()
        thread.join()


def service(count: int, deployment: str = "1-000001") -> CloudService:
    return CloudService("grading", deployment, count, CONTAINER)


def test_what_runs_follows_the_account(world: World) -> None:
    """More tasks, fewer tasks, another deployment, none."""
    with reconciling(world):
        assert world.becomes(Cloud()) == []
        assert len(world.becomes(Cloud(services=(service(3),)))) == 3
        assert world.becomes(Cloud(services=(service(1),))) == ["grading/1-000001/1"]
        assert world.becomes(Cloud(services=(service(1, "2-0"),))) == ["grading/2-0/1"]
        assert world.becomes(Cloud()) == []


def test_a_reboot_starts_the_broker_a_second_time_after_it_has_ended(world: World) -> None:
    """There are never two on one port."""
    with reconciling(world):
        world.becomes(Cloud((BROKER_IN_FORCE,)))
        world.log.write_text("")
        world.becomes(Cloud((replace(BROKER_IN_FORCE, reboots=1),)))

        assert world.log.read_text().split("\n")[:2] == ["ended broker", "started broker"]


def test_in_the_end_tasks_go_before_what_they_need(world: World) -> None:
    """A task that finishes its job still needs the broker to say so."""
    with reconciling(world):
        world.becomes(Cloud((BROKER_IN_FORCE,), (), (service(2),)))
        world.log.write_text("")

    ended = world.log.read_text().splitlines()
    assert len(ended) == 3
    assert ended[-1] == f"ended {BROKER}"
    assert world.reconciler.snapshots() == []


def test_a_round_that_fails_ends_nothing(world: World) -> None:
    """The account may change while it is read; the next change tries again."""
    with reconciling(world):
        world.becomes(Cloud(services=(service(1),)))
        world.broken = True
        world.reconciler.wake()
        assert not world.reconciler.wait_until_settled(0.1)
        world.broken = False

        assert len(world.becomes(Cloud(services=(service(2),)))) == 2


def test_the_account_is_told_what_really_runs(world: World) -> None:
    """ECS's running count is a number of processes."""
    with reconciling(world):
        world.becomes(Cloud(services=(service(2),)))

    assert any(running_tasks(snapshots)["grading"] == 2 for _, snapshots in world.reports)


def test_only_running_tasks_are_counted() -> None:
    """Those that start, failed or stop are not, nor is the broker."""
    snapshots = [Snapshot(f"grading/1-0/{n}", state) for n, state in enumerate(State)]

    assert running_tasks([*snapshots, Snapshot(BROKER, State.RUNNING)]) == {"grading": 1}
