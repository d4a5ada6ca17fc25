"""
Runs the short-lived programs of a command, such as `terraform validate`, and stops them with it.

Each program runs in its own session, so Ctrl-C on the terminal reaches only gradectl, whose `stop`
then ends them all. On Linux the kernel also kills them when gradectl itself is killed.
"""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from gradectl.errors import GradectlError
from gradectl.processes.child import guarded
from gradectl.processes.find import find_program

_GRACE_SECONDS = 10.0


@dataclass(frozen=True)
class CompletedProgram:
    """Exit code, stdout and stderr of a program that has ended."""

    code: int
    output: str
    errors: str


class Tools:
    """
    Runs and stops the programs of one command; safe to use from several threads.

    Args:
        environ: Environment of the programs; its PATH is searched by `find`.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.environ = environ
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def find(self, program: str, folders: Sequence[Path] = ()) -> str | None:
        """Look a program up in some folders, then on PATH; None when it is not installed."""
        return find_program(program, self.environ, folders)

    def run(
        self,
        command: Sequence[str],
        directory: Path,
        variables: Mapping[str, str] | None = None,
        text: str = "",
    ) -> CompletedProgram:
        """
        Run a program and wait until it ends.

        Args:
            command: The command line; other users can read it, so no secrets.
            directory: Its working directory.
            variables: Additions to its environment.
            text: Its standard input.

        Raises:
            GradectlError: It could not be started, or `stop` was called.
        """
        with self._start(command, directory, variables or {}, subprocess.PIPE) as child:
            try:
                output, errors = child.communicate(text)
            finally:
                self._forget(child)
        if self._stopped:
            raise GradectlError("stopped", where=command[0])
        return CompletedProgram(child.returncode, output, errors)

    def follow(
        self,
        command: Sequence[str],
        directory: Path,
        heard: Callable[[str], None],
        variables: Mapping[str, str] | None = None,
    ) -> int:
        """
        Run a program that takes long, and pass on its output while it runs.

        Args:
            command: The command line; other users can read it, so no secrets.
            directory: Its working directory.
            heard: Called with each line of its output and its errors.
            variables: Additions to its environment.

        Returns:
            Its exit code.

        Raises:
            GradectlError: It could not be started, or `stop` was called.
        """
        child = self._start(command, directory, variables or {}, subprocess.STDOUT)
        try:
            for line in child.stdout or ():
                heard(line.rstrip())
            child.wait()
        finally:
            _ask_to_end(child)
            self._forget(child)
            if child.stdout:
                child.stdout.close()
        if self._stopped:
            raise GradectlError("stopped", where=command[0])
        return child.returncode

    def serve(
        self,
        command: Sequence[str],
        directory: Path,
        find: Callable[[str], str],
        timeout_seconds: float,
    ) -> str:
        """
        Start a program that runs until `stop`, and wait until it announces that it is ready.

        Args:
            command: The command line.
            directory: Its working directory.
            find: Called with each line of its output; returns the announcement, or "".
            timeout_seconds: How long the announcement may take.

        Returns:
            The announcement that `find` returned.

        Raises:
            GradectlError: It ended, or made no announcement in time.
        """
        child = self._start(command, directory, {}, subprocess.DEVNULL)
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()

        def listen(lines: IO[str]) -> None:
            with lines:
                for line in lines:  # until the end: a full pipe would block the program
                    if answer := find(line):
                        answers.put(answer)
            answers.put("")

        if child.stdout:
            threading.Thread(target=listen, args=(child.stdout,), daemon=True).start()
        with suppress(queue.Empty):
            if answer := answers.get(timeout=timeout_seconds):
                return answer
        _kill(child)
        self._forget(child)
        raise GradectlError(
            "the program did not become ready",
            where=command[0],
            next_step=f"run it alone: {command[0]}",
        )

    def stop(self) -> None:
        """Kill all programs and refuse to start more."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for child in running:
            _kill(child)
        for child in running:
            child.wait()

    def _start(
        self, command: Sequence[str], directory: Path, variables: Mapping[str, str], errors: int
    ) -> subprocess.Popen[str]:
        """Start a program in its own session."""
        with self._lock:
            if self._stopped:
                raise GradectlError("stopped", where=command[0])
            try:
                child = subprocess.Popen(
                    guarded(command) if sys.platform == "linux" else list(command),
                    cwd=directory,
                    env={**self.environ, **variables},
                    stdin=subprocess.PIPE if errors == subprocess.PIPE else subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    start_new_session=True,
                    encoding="utf-8",
                    errors="replace",
                )
            except OSError as error:
                hint = "check that the program is installed and executable"
                raise GradectlError(str(error), where=command[0], next_step=hint) from error
            self._running.add(child)
            return child

    def _forget(self, child: subprocess.Popen[str]) -> None:
        """Kill and reap a program."""
        _kill(child)
        child.wait()
        with self._lock:
            self._running.discard(child)


def _ask_to_end(child: subprocess.Popen[str]) -> None:
    """Send SIGTERM, and give it time to remove what it has mounted."""
    if child.poll() is None:
        with suppress(ProcessLookupError, PermissionError, subprocess.TimeoutExpired):
            os.killpg(child.pid, signal.SIGTERM)
            child.wait(_GRACE_SECONDS)


def _kill(child: subprocess.Popen[str]) -> None:
    """Kill a program with its process group; checks need no orderly shutdown."""
    if child.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
