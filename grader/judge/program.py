"""
One submission that is ready to run, and what its last run wrote.

::

    <directory>/         private to the worker, gone afterwards
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
    Runs one program as often as wanted.

    Args:
        box: The slot, with the program in it.
        language: Its language.
        limits: Bounds of each run.
        directory: One that only the worker can enter.
        writable: Whether it may make files.
        warm: Whether it may be taken from a fork server, where its language has one.
    """

    box: Box
    language: Language
    limits: RunLimits
    directory: Path
    writable: bool = False
    warm: bool = True

    @cached_property
    def stdout(self) -> Path:
        """What the last run wrote."""
        return self.directory / "stdout"

    @cached_property
    def _stderr(self) -> Path:
        return self.directory / "stderr"

    def warm_up(self) -> None:
        """Have an interpreter start while there are other things to do."""
        if self._spec.server_argv:
            self.box.warm_up(self._spec)

    def run(self, stdin: Path) -> RunOutcome:
        """Run the program, in a clean place; its output is then in `stdout`."""
        if self.writable:
            self.box.empty(Role.RUN)
        return self.box.run(replace(self._spec, stdin=stdin))

    def was_refused_memory(self) -> bool:
        """Whether the last run said so: some runtimes first of all, others at the very end."""
        with self._stderr.open("rb") as file:
            head = file.read(_TAIL_BYTES)
        return self.language.was_refused_memory(head + self.stderr_tail())

    def stderr_tail(self) -> bytes:
        """Last words of the last run."""
        with self._stderr.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            return file.read()

    @cached_property
    def _spec(self) -> RunSpec:
        """Every run, but for what it reads."""
        return RunSpec(
            role=Role.RUN,
            policy=self.language.policy,
            argv=self.language.run_command(self.limits.memory_mb),
            limits=self.limits,
            stdin=Path(os.devnull),
            stdout=self.stdout,
            stderr=self._stderr,
            writable=self.writable,
            server_argv=self.language.server_argv if self.warm else (),
        )
