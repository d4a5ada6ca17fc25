"""Processes of workers and of the HTTP API that are started again when they end, as ECS does."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from gradectl.local.loopback import free_ports
from gradectl.processes.child import guarded

WORKERS = 2
WAIT_SECONDS = 300.0  # a limit for a hung system
#: ECS needs longer to start a task.
_PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Kind:
    """The command of a kind of process, what it logs when it works, and its variable of a port."""

    command: str
    started: str
    port: str


WORKER = Kind("worker", "Worker started", "HEALTH_PORT")
API = Kind("api", "API listens on", "API_PORT")


class Workers:
    """
    Two processes of a kind, and what they log.

    Args:
        environment: Their environment variables.
        log_file: Receives their log lines.
        kind: What they are.
    """

    def __init__(self, environment: Mapping[str, str], log_file: Path, kind: Kind = WORKER) -> None:
        self.lines: list[str] = []
        self.starts = 0
        self.ports = [0] * WORKERS
        self._kind = kind
        self._environment = dict(environment)
        self._log_file = log_file
        self._changed = threading.Condition()
        self._running: dict[int, subprocess.Popen[str]] = {}
        self._stopping = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._keep, args=(number,), name=f"{kind.command}-{number}", daemon=True
            )
            for number in range(WORKERS)
        ]

    def start(self) -> None:
        """Start both, and wait until they take requests."""
        ready = self.expect(self._kind.started, count=WORKERS)
        for thread in self._threads:
            thread.start()
        ready()

    def stop(self) -> None:
        """End both for good."""
        self._stopping.set()
        self.signal_all(signal.SIGTERM)
        for thread in self._threads:
            thread.join(WAIT_SECONDS)

    def signal_all(self, number: signal.Signals) -> None:
        """Send a signal to both."""
        for process in list(self._running.values()):
            with suppress(ProcessLookupError):
                process.send_signal(number)

    def kill_one(self) -> None:
        """Kill one of them without any time to do anything."""
        process = random.choice(list(self._running.values()))
        with suppress(ProcessLookupError):
            process.kill()

    def freeze_one(self) -> Callable[[], None]:
        """Stop one of them at random; returns a function that lets it go on."""
        process = random.choice(list(self._running.values()))

        def go_on() -> None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)

        process.send_signal(signal.SIGSTOP)
        return go_on

    def expect(self, *words: str, count: int = 1) -> Callable[[], None]:
        """Return a function that waits until `count` lines with any of these words have come."""
        start = len(self.lines)

        def found() -> bool:
            lines = self.lines[start:]
            return sum(any(each in line for each in words) for line in lines) >= count

        def wait() -> None:
            with self._changed:
                in_time = self._changed.wait_for(found, WAIT_SECONDS)
            assert in_time, f"none of {words} in {self.lines[start:][-40:]}"

        return wait

    def _keep(self, number: int) -> None:
        """Run one process again and again."""
        while not self._stopping.is_set():
            started = monotonic()
            self._run(number)
            if monotonic() - started < WORKERS:  # do not spin when it cannot start
                self._stopping.wait(1.0)
            self._stopping.wait(_PAUSE_SECONDS)

    def _run(self, number: int) -> None:
        (port,) = free_ports(1)
        self.ports[number] = port
        kind = self._kind
        process = subprocess.Popen(
            guarded([sys.executable, "-m", "grader", kind.command]),
            env={**self._environment, kind.port: str(port)},
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._running[number] = process
        if self._stopping.is_set():  # `stop` may have come before this process could be found
            process.terminate()
        self.starts += 1
        with process, self._log_file.open("a") as log:
            for line in process.stderr or ():
                log.write(f"{kind.command}-{number} {process.pid} {line}")
                log.flush()
                with self._changed:
                    self.lines.append(line)
                    self._changed.notify_all()
        del self._running[number]
