"""
Runs a Python script in a new process that has imported the libraries of worker and API already.

Importing them takes most of the processor time of a test that starts one. The process is forked
from one without threads, files or connections of the tests.
"""

from __future__ import annotations

import multiprocessing
import os
import runpy
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from multiprocessing.connection import Connection
from pathlib import Path

#: The program `grader`, as a script.
GRADER = str(Path(__file__).resolve().parents[2] / "grader" / "__main__.py")
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["grader.__main__", "grader.api.server", "grader.handlers", "grader.worker.worker"]
)


class ForkedScript:
    """
    A process with the methods of `subprocess.Popen` that tests of workers need.

    Args:
        command: The path of the script, and its arguments.
        environment: All its environment variables.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        reader, writer = _CONTEXT.Pipe(duplex=False)
        arguments = (list(command), writer, dict(environment))
        self._process = _CONTEXT.Process(target=_run, args=arguments, daemon=True)
        self._process.start()
        writer.close()
        self.stderr = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        reader.close()

    @property
    def pid(self) -> int:
        """Its process id."""
        assert self._process.pid is not None
        return self._process.pid

    def wait(self, timeout: float) -> int:
        """Wait for the end; returns the exit code."""
        self._process.join(timeout)
        assert self._process.exitcode is not None, "it did not end"
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        if self._process.is_alive():
            os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it."""
        self.send_signal(signal.SIGKILL)


def _run(command: list[str], stderr: Connection, environment: dict[str, str]) -> None:
    """Run the script in the child."""
    sys.argv = command
    os.setsid()
    os.dup2(stderr.fileno(), 2)
    stderr.close()
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # the one of the environment
    runpy.run_path(command[0], run_name="__main__")
