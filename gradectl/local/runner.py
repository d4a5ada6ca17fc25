"""
One thread per service, which starts the program and restarts it when it exits.

A one-off task runs once; its runner ends with it.
"""

from __future__ import annotations

import logging
import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Thread

from gradectl.errors import GradectlError
from gradectl.local.desired import HEALTHY, LocalService, OneOffTask
from gradectl.local.platform import LaunchedProgram
from gradectl.processes.child import is_readable, wait_until_ready

#: Pauses before a restart, as ECS throttles crashing tasks.
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STABLE_SECONDS = 30.0
#: Intervals of the health check, before and after the first healthy answer.
_FIRST_HEALTH_SECONDS = 0.2
_HEALTH_SECONDS = 2.0

_log = logging.getLogger(__name__)


class ServiceState(StrEnum):
    """The life cycle of a service."""

    STARTING = "starting"
    RUNNING = "running"
    FAILED = "failed"  # restarted after a pause
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True)
class Snapshot:
    """The state of a service at one moment."""

    name: str
    state: ServiceState = ServiceState.STARTING
    pid: int | None = None
    address: str = ""
    restarts: int = 0
    message: str = ""
    health: str = ""
    source: str = ""

    @property
    def is_serving(self) -> bool:
        """True if it runs and its health check does not fail."""
        return self.state is ServiceState.RUNNING and self.health in ("", HEALTHY)


class Runner:
    """
    Keeps one service running until `stop`.

    Its thread starts the program itself, so the kernel kills the program when the thread ends (see
    `gradectl.processes.child`).
    """

    def __init__(
        self,
        service: LocalService,
        launch: Callable[[LocalService], LaunchedProgram],
        on_change: Callable[[], None],
    ) -> None:
        """
        Prepare; `start` starts the program.

        Args:
            service: The service to run.
            launch: Starts the program; raises `GradectlError`.
            on_change: Called after each change of state, from the runner's thread.
        """
        self.service = service
        self._snapshot = Snapshot(service.name)
        self._launch = launch
        self._on_change = on_change
        self._stop_event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._longest_stop_seconds = float("inf")
        self._stopping = False
        self._exit_status: int | None = None
        self._thread = Thread(target=self._run, name=service.name, daemon=True)

    @property
    def stopping(self) -> bool:
        """True after `stop` was called."""
        return self._stopping

    @property
    def exit_status(self) -> int | None:
        """Exit status of a one-off task that has ended; None when its program did not start."""
        return self._exit_status

    @property
    def snapshot(self) -> Snapshot:
        """The current state; STOPPING after `stop` until the program has exited."""
        current = self._snapshot
        if self._stopping and current.state is not ServiceState.ENDED:
            return replace(current, state=ServiceState.STOPPING)
        return current

    def start(self) -> None:
        """Start the program and keep it running."""
        self._thread.start()

    def stop(self, longest_seconds: float = float("inf")) -> None:
        """Stop the program without waiting; `longest_seconds` caps its own stop timeout."""
        self._longest_stop_seconds = longest_seconds
        self._stopping = True  # the load balancer passes no call to it any more
        os.eventfd_write(self._stop_event, 1)

    def join(self) -> None:
        """Wait until the program and the thread have ended."""
        self._thread.join()
        os.close(self._stop_event)

    def _run(self) -> None:
        if isinstance(self.service, OneOffTask):
            self._run_to_end()
        else:
            self._run_until_stop()

    def _run_to_end(self) -> None:
        """Run the program once, until it exits or `stop`."""
        message = ""
        try:
            launched = self._launch(self.service)
            child = launched.child
            self._update(state=ServiceState.RUNNING, pid=child.pid, source=launched.source)
            try:
                child.wait(interrupt=self._stop_event)
            finally:
                child.stop(min(launched.stop_seconds, self._longest_stop_seconds))
            self._exit_status = child.exit_status
        except GradectlError as error:
            message = str(error)
        except Exception:  # noqa: BLE001 - a bug in one task must not stop the others
            message = traceback.format_exc()
        self._update(state=ServiceState.ENDED, pid=None, message=message)

    def _run_until_stop(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping:
            started = time.monotonic()
            try:
                self._run_once()
            except GradectlError as error:
                self._fail(str(error))
            except Exception:  # noqa: BLE001 - a bug in one service must not stop the others
                self._fail(traceback.format_exc())
            if time.monotonic() - started > _STABLE_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            if not self._stopping and not is_readable(self._stop_event, pause):
                self._update(state=ServiceState.STARTING, restarts=self._snapshot.restarts + 1)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self._update(state=ServiceState.ENDED, pid=None)

    def _run_once(self) -> None:
        """Run the program until `stop`; raises `GradectlError` if it exits before."""
        launched = self._launch(self.service)
        child = launched.child
        self._update(pid=child.pid, address=launched.address, source=launched.source)
        try:
            ready = wait_until_ready(
                child, launched.answers, launched.ready_seconds, interrupt=self._stop_event
            )
            if ready:
                self._update(state=ServiceState.RUNNING, message="", health=launched.health())
                self._watch(launched)
                child.wait(min(launched.leave_seconds, self._longest_stop_seconds))
        finally:
            child.stop(min(launched.stop_seconds, self._longest_stop_seconds))

    def _watch(self, launched: LaunchedProgram) -> None:
        """Check the health until `stop`; raises `GradectlError` if the program exits before."""
        child, pause = launched.child, _FIRST_HEALTH_SECONDS
        while not child.wait(pause, interrupt=self._stop_event):
            if self._stopping:
                return
            health = launched.health()
            if health != self._snapshot.health:
                self._update(health=health)
            pause = _FIRST_HEALTH_SECONDS if health not in ("", HEALTHY) else _HEALTH_SECONDS
        raise GradectlError(
            f"exited with status {child.exit_status}:\n{child.last_lines()}",
            where=str(child.program.log_file),
        )

    def _fail(self, message: str) -> None:
        """Keep and log why the program does not run: a restart removes the message."""
        _log.warning("%s failed: %s", self.service.name, message)
        self._update(state=ServiceState.FAILED, pid=None, health="", message=message)

    def _update(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # type: ignore[arg-type]  # its own fields
        self._on_change()
