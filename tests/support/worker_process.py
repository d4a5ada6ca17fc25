"""Processes of a worker or an API: log lines, signals, health and exit code."""

from __future__ import annotations

import json
import queue
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.error import HTTPError

from forked_script import ForkedScript

WAIT_SECONDS = 180.0


class LoggingProcess:
    """A process that starts at once, and the lines of its log; `close` kills it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        """Start a command, or fork a script where it begins with one."""
        self.lines: list[str] = []
        self._environment = environment
        self._process: Any = (
            ForkedScript(command, environment)
            if command[0].endswith(".py")
            else subprocess.Popen(
                command,
                env=dict(environment),
                stderr=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        )
        self._new: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self._process.stderr:
            self._new.put(line.rstrip("\n"))
        self._new.put(None)

    def wait_for(self, words: str) -> str:
        """Wait for a line with this text; fails when the process ends or stays silent."""
        deadline = monotonic() + WAIT_SECONDS
        while True:
            try:
                line = self._new.get(timeout=max(deadline - monotonic(), 0.01))
            except queue.Empty:
                line = None
            assert line is not None, f"no {words!r} in {self.lines}"
            self.lines.append(line)
            if words in line:
                return line

    def ended(self) -> int:
        """Wait for the end; returns the exit code, and `lines` is complete then."""
        status = int(self._process.wait(WAIT_SECONDS))
        self._reader.join(WAIT_SECONDS)
        while not self._new.empty():
            if (line := self._new.get()) is not None:
                self.lines.append(line)
        return status

    @property
    def pid(self) -> int:
        """Its process id."""
        return int(self._process.pid)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def close(self) -> None:
        """Kill the process if it still runs."""
        self._process.kill()
        self._process.wait(WAIT_SECONDS)
        self._reader.join(WAIT_SECONDS)
        self._process.stderr.close()


class WorkerProcess(LoggingProcess):
    """A worker, which may wait at the gate of the constant handler."""

    def pass_gate(self) -> None:
        """Let the request at the gate continue."""
        Path(self._environment["GATE"]).write_bytes(b"go")

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status and page of /health."""
        url = f"http://127.0.0.1:{self._environment['HEALTH_PORT']}/health"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                return answer.status, json.load(answer)["checks"]
        except HTTPError as error:
            with error:
                return error.code, json.load(error)["checks"]
