"""
Programs that check something: run, heard out, and ended with us.

Each is in a session of its own, so a Ctrl-C on our terminal reaches only us, and then `stop` ends
them all. Where the kernel offers it, they also end when we are killed.
"""

from __future__ import annotations

import os
import queue
import shutil
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


@dataclass(frozen=True)
class Done:
    """How a program ended, and what it said on its two streams."""

    code: int
    output: str
    errors: str


class Tools:
    """
    All programs of one run; safe to use from several threads.

    Args:
        environ: What they find in their environment.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Start with none."""
        self.environ = environ
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def find(self, program: str, folders: Sequence[Path] = ()) -> str | None:
        """Look for a program in some folders, then on PATH."""
        search = os.pathsep.join([*map(str, folders), self.environ.get("PATH", "")])
        return shutil.which(program, path=search)

    def run(
        self,
        words: Sequence[str],
        directory: Path,
        variables: Mapping[str, str] | None = None,
        text: str = "",
    ) -> Done:
        """
        Run a program to its end.

        Args:
            words: The command line; nothing secret.
            directory: Where it runs.
            variables: More for its environment.
            text: Its input.

        Raises:
            GradectlError: It could not be started, or `stop` was called.
        """
        child = self._start(words, directory, variables or {}, subprocess.PIPE)
        try:
            output, errors = child.communicate(text)
        finally:
            self._forget(child)
        if self._stopped:
            raise GradectlError("stopped", where=words[0])
        return Done(child.returncode, output, errors)

    def serve(
        self,
        words: Sequence[str],
        directory: Path,
        find: Callable[[str], str],
        timeout_seconds: float,
    ) -> str:
        """
        Start a program that stays until `stop`, and wait for what it says when it is ready.

        Args:
            words: The command line.
            directory: Where it runs.
            find: Given each line of its output, gives what is waited for, or an empty text.
            timeout_seconds: How long it may take.

        Raises:
            GradectlError: It ended, or did not say it in time.
        """
        child = self._start(words, directory, {}, subprocess.DEVNULL)
        answers: queue.SimpleQueue[str] = queue.SimpleQueue()

        def listen(lines: IO[str]) -> None:
            with lines:
                for line in lines:  # to the end: a full pipe would hold it up
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
        raise GradectlError("it does not say that it is ready", where=words[0])

    def stop(self) -> None:
        """End all programs, and let none be started any more."""
        with self._lock:
            self._stopped = True
            running = list(self._running)
        for child in running:
            _kill(child)
        for child in running:
            child.wait()

    def _start(
        self, words: Sequence[str], directory: Path, variables: Mapping[str, str], errors: int
    ) -> subprocess.Popen[str]:
        """Start a program in a session of its own."""
        with self._lock:
            if self._stopped:
                raise GradectlError("stopped", where=words[0])
            try:
                child = subprocess.Popen(
                    guarded(words) if sys.platform == "linux" else list(words),
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
                raise GradectlError(str(error), where=words[0]) from error
            self._running.add(child)
            return child

    def _forget(self, child: subprocess.Popen[str]) -> None:
        """Reap a program."""
        _kill(child)
        child.wait()
        with self._lock:
            self._running.discard(child)


def _kill(child: subprocess.Popen[str]) -> None:
    """End a program and all that it started; checks have nothing to put in order first."""
    if child.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
