"""Keeps the running services equal to the desired state of the control plane."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence
from threading import Condition, Event
from urllib.parse import urlsplit

from gradectl.local.desired import (
    BROKER,
    HEALTHY,
    Cloud,
    CloudService,
    LocalService,
    OneOffTask,
    RunningService,
    TaskService,
    TaskState,
    desired,
    not_served,
    steps,
)
from gradectl.local.platform import LaunchedProgram
from gradectl.local.runner import Runner, ServiceState, Snapshot

#: Terraform makes several calls at once; calls within this time are handled as one change.
_SETTLE_SECONDS = 0.02
_RETRY_SECONDS = 0.5
#: Upper bound for a task's stop timeout when the stack stops.
_LONGEST_STOP_SECONDS = 20.0

_ONE_OF_EACH = "a stack runs one broker, one database and one container per task"

#: Parts of the name of a task: service, deployment and number.
_PARTS = 3
#: In the message of a runner whose program ended.
_EXIT_STATUS = re.compile(r"exited with status (-?\d+)")

_log = logging.getLogger(__name__)


class Reconciler:
    """
    Owns the runners of all services; only the thread in `run` starts and removes them.

    Args:
        observe: Reads the desired state from the control plane.
        launch: Starts the program of a service.
        report: Called after each round with the desired state and the snapshots.
        on_task_end: Called with a one-off task that has ended, its exit status and its message.
    """

    def __init__(
        self,
        observe: Callable[[], Cloud],
        launch: Callable[[LocalService], LaunchedProgram],
        report: Callable[[Cloud, list[Snapshot]], None],
        on_task_end: Callable[[OneOffTask, int | None, str], None] = lambda *_: None,
    ) -> None:
        """Prepare; `run` starts the services."""
        self._observe = observe
        self._launch = launch
        self._report = report
        self._on_task_end = on_task_end
        self._runners: dict[str, Runner] = {}
        self._changed = Event()
        self._changed.set()  # the first round needs no change
        self._stop = Event()
        self._round_done = Condition()
        self._settled = False

    def wake(self) -> None:
        """Trigger another round; returns immediately."""
        self._changed.set()

    def stop(self) -> None:
        """Make `run` return, without waiting; not for signal handlers, which could deadlock."""
        self._stop.set()
        self._changed.set()

    def run(self) -> None:
        """Follow the control plane until `stop`; then stop all services, tasks first."""
        try:
            while not self._stop.is_set():
                self._changed.wait()
                self._stop.wait(_SETTLE_SECONDS)
                self._settled = False
                self._changed.clear()
                try:
                    self._round()
                except Exception:  # noqa: BLE001 - services keep running, and the next round retries
                    _log.exception("cannot follow the control plane")
                    self._stop.wait(_RETRY_SECONDS)
                    self._changed.set()
        finally:
            self._stop_all()

    def snapshots(self) -> list[Snapshot]:
        """Return a snapshot of each service, sorted by name."""
        runners = list(self._runners.values())
        return sorted((runner.snapshot for runner in runners), key=lambda each: each.name)

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """Wait until exactly the desired services run and are healthy; False on timeout."""
        with self._round_done:
            return self._round_done.wait_for(self._is_settled, timeout_seconds)

    def _is_settled(self) -> bool:
        return self._settled and not self._changed.is_set()

    def _round(self) -> None:
        self._remove_ended()
        cloud = self._observe()
        wanted = desired(cloud)
        changes = steps(wanted, self._running())
        for name in changes.stop:
            _log.info("stopping %s", name)
            self._runners[name].stop()
        for service in changes.start:
            _log.info("starting %s", service.name)
            runner = Runner(service, self._launch, self.wake)
            self._runners[service.name] = runner
            runner.start()
        for extra in not_served(cloud):
            _log.warning("%s is not started: %s", extra, _ONE_OF_EACH)
        snapshots = self.snapshots()
        self._report(cloud, snapshots)
        with self._round_done:
            names = {each.name for each in snapshots}
            serving = all(each.is_serving for each in snapshots)
            self._settled = serving and names == wanted.keys()
            self._round_done.notify_all()

    def _running(self) -> dict[str, RunningService]:
        return {
            name: RunningService(runner.service, runner.stopping)
            for name, runner in self._runners.items()
        }

    def _remove_ended(self) -> None:
        for name, runner in list(self._runners.items()):
            if runner.snapshot.state is ServiceState.ENDED:
                runner.join()
                if isinstance(runner.service, OneOffTask):  # before the next look at the account
                    message = runner.snapshot.message
                    self._on_task_end(runner.service, runner.exit_status, message)
                del self._runners[name]
                _log.info("%s has ended", name)

    def _stop_all(self) -> None:
        """Stop the tasks while the broker and the database still serve them, then these two."""
        kinds = TaskService | OneOffTask
        tasks = {n for n, each in self._runners.items() if isinstance(each.service, kinds)}
        for names in (tasks, self._runners.keys() - tasks):
            for name in names:
                self._runners[name].stop(_LONGEST_STOP_SECONDS)
            for name in names:
                self._runners.pop(name).join()


def task_states(snapshots: list[Snapshot]) -> dict[str, list[TaskState]]:
    """Group the tasks by ECS service; a task that is being stopped is not one of them."""
    found: dict[str, list[TaskState]] = {}
    for each in snapshots:
        parts = each.name.split("/")  # one-off tasks have another form of names
        if len(parts) == _PARTS and each.state not in (ServiceState.STOPPING, ServiceState.ENDED):
            service, deployment, number = parts
            status = _EXIT_STATUS.search(each.message)
            state = TaskState(
                deployment,
                number,
                running=each.state is ServiceState.RUNNING,
                health=each.health,
                restarts=each.restarts,
                exit_status=int(status[1]) if status else None,
                failure=each.message if each.state is ServiceState.FAILED else "",
            )
            found.setdefault(service, []).append(state)
    return found


def target_ports(service: CloudService, snapshots: Sequence[Snapshot]) -> list[int]:
    """Return the ports of the healthy tasks of a service, of all its deployments."""
    return [
        urlsplit(each.address).port or 0
        for each in snapshots
        if each.name.startswith(f"{service.name}/")
        and each.state is ServiceState.RUNNING
        and each.health == HEALTHY
    ]


def broker_snapshot(snapshots: list[Snapshot]) -> Snapshot | None:
    """Return the snapshot of the broker, if it has a service."""
    return next((each for each in snapshots if each.name == BROKER), None)
