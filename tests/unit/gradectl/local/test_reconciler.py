"""The running services follow the account, and stop in the right order."""

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
    TaskState,
)
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.platform import LaunchedProgram
from gradectl.local.reconciler import Reconciler, target_ports, task_states
from gradectl.local.runner import ServiceState, Snapshot
from gradectl.processes.child import Child, ProgramSpec

LONG = 30.0
CONTAINER = Container(("grader", "worker"), (), (), 5)
CLOUD_BROKER = CloudBroker("b-1", 0, BrokerSpec("local", "<broker/>", (BrokerUser("u", "p"),)))
#: Exits on SIGTERM and logs its start and end to one shared file.
PROGRAM = """
import signal, sys
def end(*_):
    print("ended", sys.argv[1], flush=True)
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
print("started", sys.argv[1], flush=True)
signal.pause()
"""


class FakeCloud:
    """An account that can be changed, with services that only wait."""

    def __init__(self, directory: Path) -> None:
        """Start with an empty account."""
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

    def _launch(self, service: LocalService) -> LaunchedProgram:
        command = [sys.executable, "-I", "-c", PROGRAM, service.name]
        child = Child(ProgramSpec(service.name, command, {}, self.log.parent, self.log))
        return LaunchedProgram(
            child, lambda: f"started {service.name}\n" in self.log.read_text(), LONG, LONG, ""
        )

    def change_to(self, cloud: Cloud) -> list[str]:
        """Change the account, wait until settled, and return the running services."""
        self.cloud = cloud
        self.reconciler.wake()
        assert self.reconciler.wait_until_settled(LONG)
        return [each.name for each in self.reconciler.snapshots()]


@pytest.fixture(name="fake")
def _fake(tmp_path: Path) -> FakeCloud:
    return FakeCloud(tmp_path)


@contextmanager
def reconciling(fake: FakeCloud) -> Iterator[None]:
    thread = threading.Thread(target=fake.reconciler.run)
    thread.start()
    try:
        yield
    finally:
        fake.reconciler.stop()
        thread.join()


def service(count: int, deployment: str = "1-000001") -> CloudService:
    return CloudService("grading", deployment, count, CONTAINER)


def test_the_running_services_follow_the_account(fake: FakeCloud) -> None:
    """More tasks, fewer tasks, another deployment, no tasks."""
    with reconciling(fake):
        assert fake.change_to(Cloud()) == []
        assert len(fake.change_to(Cloud(services=(service(3),)))) == 3
        assert fake.change_to(Cloud(services=(service(1),))) == ["grading/1-000001/1"]
        assert fake.change_to(Cloud(services=(service(1, "2-0"),))) == ["grading/2-0/1"]
        assert fake.change_to(Cloud()) == []


def test_a_reboot_starts_the_broker_again_after_it_has_exited(fake: FakeCloud) -> None:
    """Two brokers never share the port."""
    with reconciling(fake):
        fake.change_to(Cloud((CLOUD_BROKER,)))
        fake.log.write_text("")
        fake.change_to(Cloud((replace(CLOUD_BROKER, reboots=1),)))

        assert fake.log.read_text().split("\n")[:2] == ["ended broker", "started broker"]


def test_tasks_stop_before_the_broker(fake: FakeCloud) -> None:
    """A task that finishes its job needs the broker to acknowledge it."""
    with reconciling(fake):
        fake.change_to(Cloud((CLOUD_BROKER,), (), (service(2),)))
        fake.log.write_text("")

    ended = fake.log.read_text().splitlines()
    assert len(ended) == 3
    assert ended[-1] == f"ended {BROKER}"
    assert fake.reconciler.snapshots() == []


def test_a_failed_round_stops_nothing(fake: FakeCloud) -> None:
    """The account may change while it is read; the next round retries."""
    with reconciling(fake):
        fake.change_to(Cloud(services=(service(1),)))
        fake.broken = True
        fake.reconciler.wake()
        assert not fake.reconciler.wait_until_settled(0.1)
        fake.broken = False

        assert len(fake.change_to(Cloud(services=(service(2),)))) == 2


def test_the_report_counts_the_running_tasks(fake: FakeCloud) -> None:
    """The running count of ECS is the number of processes."""
    with reconciling(fake):
        fake.change_to(Cloud(services=(service(2),)))

    assert any(
        sum(each.running for each in task_states(snapshots).get("grading", [])) == 2
        for _, snapshots in fake.reports
    )


def test_stopping_tasks_are_not_reported() -> None:
    """Nor is the broker; the deployment of a task is in its name."""
    snapshots = [Snapshot(f"grading/1-0/{n}", state) for n, state in enumerate(ServiceState)]

    found = task_states([*snapshots, Snapshot(BROKER, ServiceState.RUNNING)])

    assert found == {
        "grading": [
            TaskState("1-0", "0", running=False),
            TaskState("1-0", "1", running=True),
            TaskState("1-0", "2", running=False),
        ]
    }


def test_a_failed_task_is_reported_with_its_exit_status() -> None:
    """A program that could not be started has none."""
    ended = Snapshot("g/1-0/1", ServiceState.FAILED, message="exited with status 78:\nbad")
    never = Snapshot("g/1-0/2", ServiceState.FAILED, message="no secret")

    assert task_states([ended, never])["g"] == [
        TaskState("1-0", "1", running=False, exit_status=78, failure=ended.message),
        TaskState("1-0", "2", running=False, failure="no secret"),
    ]


@pytest.mark.parametrize(
    ("changes", "ports"),
    [
        ({}, [4001]),
        ({"health": "unhealthy"}, []),
        ({"health": ""}, []),
        ({"state": ServiceState.STOPPING}, []),
        ({"state": ServiceState.STARTING}, []),
        ({"name": "grading-worker/1-000001/1"}, []),
    ],
)
def test_the_targets_of_a_load_balancer_are_the_healthy_tasks_of_its_service(
    changes: dict[str, str], ports: list[int]
) -> None:
    """A task that stops gets no new connections."""
    address = "http://127.0.0.1:4001/health"
    task = Snapshot("grading/1-000001/1", ServiceState.RUNNING, 1, address, health="healthy")

    found = target_ports(CloudService("grading", "1", 1, CONTAINER), [replace(task, **changes)])

    assert found == ports
