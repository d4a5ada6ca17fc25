"""
A submission that is ready to run, and the output of its last run.

::

    <directory>/         private to the worker, removed afterwards
      stdout, stderr     of the last run
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from grader.languages import Language
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec

_TAIL_BYTES = 4096


@dataclass(frozen=True)
class Program:
    """
    Runs one program any number of times.

    Args:
        box: The box that contains the program.
        language: Language of the program.
        limits: Limits of each run.
        directory: Private directory of the worker.
        writable: Whether the program may create files.
        warm: Whether to use a fork server if the language has one.
        server_argv: Command of the fork server; None: that of the language.
        server_limits: Limits of the fork server; None: those of each run.
    """

    box: Box
    language: Language
    limits: RunLimits
    directory: Path
    writable: bool = False
    warm: bool = True
    server_argv: tuple[str, ...] | None = None
    server_limits: RunLimits | None = None

    @cached_property
    def stdout(self) -> Path:
        """Output of the last run."""
        return self.directory / "stdout"

    @cached_property
    def stderr(self) -> Path:
        """Error output of the last run."""
        return self.directory / "stderr"

    def warm_up(self) -> None:
        """Start the fork server in the background, if the language has one."""
        if self._spec.server_argv:
            self.box.warm_up(self._spec)

    def run(self, stdin: Path) -> RunOutcome:
        """Run the program in an empty working directory; `stdout` then has its output."""
        return self.box.run(replace(self._spec, stdin=stdin))

    def was_refused_memory(self) -> bool:
        """Whether the first or last part of stderr reports that memory was refused."""
        with self.stderr.open("rb") as file:
            head = file.read(_TAIL_BYTES)
        return self.language.was_refused_memory(head + self.stderr_tail())

    def stderr_tail(self) -> bytes:
        """Return the end of the last run's stderr."""
        return read_tail(self.stderr, _TAIL_BYTES)

    @cached_property
    def _spec(self) -> RunSpec:
        """Specification of every run, without its stdin."""
        server_argv = self.language.server_argv if self.server_argv is None else self.server_argv
        return RunSpec(
            role=Role.RUN,
            policy=self.language.policy,
            argv=self.language.run_command(self.limits.memory_mb),
            limits=self.limits,
            stdin=Path(os.devnull),
            stdout=self.stdout,
            stderr=self.stderr,
            writable=self.writable,
            server_argv=server_argv if self.warm else (),
            server_limits=self.server_limits,
        )


def read_tail(path: Path, size_bytes: int) -> bytes:
    """Read the last `size_bytes` of a file; nothing if the file does not exist."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size_bytes))
            return file.read()
    except FileNotFoundError:
        return b""
