"""Keeps what runs equal to what the control plane says."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from threading import Condition, Event

from gradectl.local.desired import (
    BROKER,
    Cloud,
    LocalService,
    RunningService,
    TaskService,
    desired,
    not_served,
    steps,
)
from gradectl.local.platform import Launched
from gradectl.local.runner import Runner, Snapshot, State

#: Terraform makes several calls at once; those that come this close together are one change.
_SETTLE_SECONDS = 0.02
_RETRY_SECONDS = 0.5
#: No task may hold up the end of the stack for longer, whatever its stop timeout.
_LONGEST_STOP_SECONDS = 20.0

_log = logging.getLogger(__name__)


class Reconciler:
    """
    Owns the runners of all services; only the thread in `run` starts and forgets them.

    Args:
        observe: Reads the control plane.
        launch: Starts a service's program.
        report: Told of what runs after each round.
    """

    def __init__(
        self,
        observe: Callable[[], Cloud],
        launch: Callable[[LocalService], Launched],
        report: Callable[[Cloud, list[Snapshot]], None],
    ) -> None:
        """Prepare; nothing runs before `run`."""
        self._observe = observe
        self._launch = launch
        self._report = report
        self._runners: dict[str, Runner] = {}
        self._changed = Event()
        self._changed.set()  # the first look needs no change
        self._stop = Event()
        self._round_done = Condition()
        self._settled = False

    def wake(self) -> None:
        """Say that something may have changed; returns at once."""
        self._changed.set()

    def stop(self) -> None:
        """Let `run` come to its end; returns at once, and may be called from a signal handler."""
        self._stop.set()
        self._changed.set()

    def run(self) -> None:
        """Follow the control plane until `stop`; then end everything, tasks first."""
        try:
            while not self._stop.is_set():
                self._changed.wait()
                self._stop.wait(_SETTLE_SECONDS)
                self._settled = False
                self._changed.clear()
                try:
                    self._round()
                except Exception:  # noqa: BLE001 - what runs goes on, and the next round tries again
                    _log.exception("cannot follow the control plane")
                    self._stop.wait(_RETRY_SECONDS)
                    self._changed.set()
        finally:
            self._end_all()

    def snapshots(self) -> list[Snapshot]:
        """Give what runs, by name."""
        runners = list(self._runners.values())
        return sorted((runner.snapshot for runner in runners), key=lambda each: each.name)

    def wait_until_settled(self, timeout_seconds: float) -> bool:
        """Wait until exactly what must run does run in health; False when that takes too long."""
        with self._round_done:
            return self._round_done.wait_for(self._is_settled, timeout_seconds)

    def _is_settled(self) -> bool:
        return self._settled and not self._changed.is_set()

    def _round(self) -> None:
        self._forget_ended()
        cloud = self._observe()
        wanted = desired(cloud)
        todo = steps(wanted, self._running())
        for name in todo.stop:
            _log.info("stopping %s", name)
            self._runners[name].stop()
        for service in todo.start:
            _log.info("starting %s", service.name)
            runner = Runner(service, self._launch, self.wake)
            self._runners[service.name] = runner
            runner.start()
        for extra in not_served(cloud):
            _log.warning("%s has no data plane here: one of each kind, one container a task", extra)
        snapshots = self.snapshots()
        self._report(cloud, snapshots)
        with self._round_done:
            names = {each.name for each in snapshots}
            serving = all(each.serves for each in snapshots)
            self._settled = serving and names == wanted.keys()
            self._round_done.notify_all()

    def _running(self) -> dict[str, RunningService]:
        return {
            name: RunningService(runner.service, runner.stopping)
            for name, runner in self._runners.items()
        }

    def _forget_ended(self) -> None:
        for name, runner in list(self._runners.items()):
            if runner.snapshot.state is State.ENDED:
                runner.join()
                del self._runners[name]
                _log.info("%s has ended", name)

    def _end_all(self) -> None:
        """End the tasks while the broker and the database still serve them, then those."""
        tasks = {n for n, each in self._runners.items() if isinstance(each.service, TaskService)}
        for names in (tasks, self._runners.keys() - tasks):
            for name in names:
                self._runners[name].stop(_LONGEST_STOP_SECONDS)
            for name in names:
                self._runners.pop(name).join()


def running_tasks(snapshots: list[Snapshot]) -> Counter[str]:
    """Count the running tasks of each ECS service; a task's name begins with its service's."""
    return Counter(
        each.name.partition("/")[0]
        for each in snapshots
        if "/" in each.name and each.state is State.RUNNING
    )


def broker_snapshot(snapshots: list[Snapshot]) -> Snapshot | None:
    """Find the broker's."""
    return next((each for each in snapshots if each.name == BROKER), None)
