"""Runs programs without a judge: the baseline of most figures."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ten_submissions import Case


class Bare:
    """
    Runs a program on the inputs of a problem and ignores its output.

    Args:
        directory: An empty directory.
        cases: The inputs.
    """

    def __init__(self, directory: Path, cases: Sequence[Case]) -> None:
        self.directory = directory
        self._inputs = [directory / f"{number}.in" for number in range(len(cases))]
        for path, case in zip(self._inputs, cases, strict=True):
            path.write_bytes(case.input)

    def build(self, *command: str | Path) -> None:
        """Run a compiler in the directory."""
        subprocess.run(command, check=True, cwd=self.directory)

    def run(self, program: str | Path, *arguments: str | Path) -> None:
        """Run the program on all inputs, one after the other."""
        for path in self._inputs:
            process = os.posix_spawn(
                program,
                (program, *arguments),
                {},
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, path, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                ],
            )
            _, status = os.waitpid(process, 0)
            if status:
                raise SystemExit(f"{program} failed: {os.waitstatus_to_exitcode(status)}")
