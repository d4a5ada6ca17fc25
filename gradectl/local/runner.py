"""One thread for each service: it starts the program, keeps it running, and ends with it."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from threading import Thread

from gradectl.errors import GradectlError
from gradectl.local.desired import LocalService
from gradectl.local.platform import HEALTHY, Launched
from gradectl.processes.child import is_readable, wait_until_ready

#: Pauses before a program that ended is started again, as ECS throttles crashing tasks.
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 30.0
_STABLE_SECONDS = 30.0
#: Pauses between two questions for a task's health, before and after the first good answer.
_FIRST_HEALTH_SECONDS = 0.2
_HEALTH_SECONDS = 2.0


class State(StrEnum):
    """What a service does."""

    STARTING = "starting"
    RUNNING = "running"
    FAILED = "failed"  # and will be started again after a pause
    STOPPING = "stopping"
    ENDED = "ended"


@dataclass(frozen=True)
class Snapshot:
    """A service at one moment."""

    name: str
    state: State = State.STARTING
    pid: int | None = None
    address: str = ""
    restarts: int = 0
    message: str = ""
    health: str = ""

    @property
    def serves(self) -> bool:
        """True when it runs and does not say that it is ill."""
        return self.state is State.RUNNING and self.health in ("", HEALTHY)


class Runner:
    """
    Keeps one service running until it is told to stop.

    Its thread starts the program itself, so that the program cannot outlive it (see `process`).
    """

    def __init__(
        self,
        service: LocalService,
        launch: Callable[[LocalService], Launched],
        on_change: Callable[[], None],
    ) -> None:
        """
        Prepare; nothing runs before `start`.

        Args:
            service: What to run.
            launch: Starts its program; raises `GradectlError`.
            on_change: Called after each change of state, from the runner's thread.
        """
        self.service = service
        self._snapshot = Snapshot(service.name)
        self._launch = launch
        self._on_change = on_change
        self._stop_event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._longest_stop_seconds = float("inf")
        self._stopping = False
        self._thread = Thread(target=self._run, name=service.name, daemon=True)

    @property
    def stopping(self) -> bool:
        """True once it was told to stop."""
        return self._stopping

    @property
    def snapshot(self) -> Snapshot:
        """What the service does; once told to stop, it does not serve any more."""
        current = self._snapshot
        if self._stopping and current.state is not State.ENDED:
            return replace(current, state=State.STOPPING)
        return current

    def start(self) -> None:
        """Start the program and keep it running."""
        self._thread.start()

    def stop(self, longest_seconds: float = float("inf")) -> None:
        """Let the program end; returns at once. `longest_seconds` caps the service's own grace."""
        self._longest_stop_seconds = longest_seconds
        self._stopping = True
        os.eventfd_write(self._stop_event, 1)

    def join(self) -> None:
        """Wait until nothing of the service is left."""
        self._thread.join()
        os.close(self._stop_event)

    def _run(self) -> None:
        pause = _FIRST_PAUSE_SECONDS
        while not self._stopping:
            begun = time.monotonic()
            try:
                self._run_once()
            except GradectlError as error:
                self._show(state=State.FAILED, pid=None, health="", message=str(error))
            except Exception:  # noqa: BLE001 - one service's bug must not take the others down
                text = traceback.format_exc()
                self._show(state=State.FAILED, pid=None, health="", message=text)
            if time.monotonic() - begun > _STABLE_SECONDS:
                pause = _FIRST_PAUSE_SECONDS
            if not self._stopping and not is_readable(self._stop_event, pause):
                self._show(state=State.STARTING, restarts=self._snapshot.restarts + 1)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        self._show(state=State.ENDED, pid=None)

    def _run_once(self) -> None:
        """Run the program until it ends, which is an error, or until it has to stop."""
        launched = self._launch(self.service)
        child = launched.child
        self._show(pid=child.pid, address=launched.address)
        try:
            ready = wait_until_ready(
                child, launched.answers, launched.ready_seconds, interrupt=self._stop_event
            )
            if ready:
                self._show(state=State.RUNNING, message="", health=launched.health())
                self._watch(launched)
        finally:
            child.stop(min(launched.stop_seconds, self._longest_stop_seconds))

    def _watch(self, launched: Launched) -> None:
        """Ask for its health until it has to stop; raises `GradectlError` when it ends before."""
        child, pause = launched.child, _FIRST_HEALTH_SECONDS
        while not child.wait(pause, interrupt=self._stop_event):
            if self._stopping:
                return
            health = launched.health()
            if health != self._snapshot.health:
                self._show(health=health)
            pause = _FIRST_HEALTH_SECONDS if health not in ("", HEALTHY) else _HEALTH_SECONDS
        raise GradectlError(
            f"ended with {child.exit_status}:\n{child.last_lines()}",
            where=str(child.program.log_file),
        )

    def _show(self, **changes: object) -> None:
        self._snapshot = replace(self._snapshot, **changes)  # type: ignore[arg-type]  # its own fields
        self._on_change()
