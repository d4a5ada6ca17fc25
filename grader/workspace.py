"""
One submission inside the sandbox: its source, what was compiled from it, and its runs.

::

    <directory>/         private to the worker, gone afterwards
      input, answer      of the case that is being run
      stdout, stderr     of the last run, or of the compiler
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from grader.contract.runs import Role, RunLimits, RunOutcome, RunSpec
from grader.core.judge import explain
from grader.core.limits import compile_limits
from grader.errors import ObjectNotFoundError, ObjectTooLargeError
from grader.languages import Language
from grader.sandbox import Box

_TAIL_BYTES = 4096


@dataclass(frozen=True)
class CompileFailure:
    """Why a source did not compile, in the compiler's words."""

    message: str


class Workspace:
    """
    Compiles one source and runs it as often as wanted.

    Args:
        box: The claimed slot, clean.
        language: The language of the source.
        directory: An empty directory that only the worker can enter.
    """

    def __init__(self, box: Box, language: Language, directory: Path) -> None:
        """Nothing is run yet."""
        self._box = box
        self.language = language
        self.input = directory / "input"
        self.answer = directory / "answer"
        self.stdout = directory / "stdout"
        self._stderr = directory / "stderr"

    def load(self, source: bytes) -> CompileFailure | None:
        """Make the source ready to run, compiling it where the language is compiled."""
        if not self.language.compile_argv:
            self._box.store(Role.RUN, self.language.source_name, source)
            return None
        self._box.store(Role.COMPILE, self.language.source_name, source)
        limits = compile_limits(self.language)
        outcome = self._run(
            Role.COMPILE, "compile", self.language.compile_argv, limits, Path(os.devnull)
        )
        if not outcome.succeeded:
            return CompileFailure(self._compiler_words(outcome, limits))
        try:
            self._box.adopt(self.language.program_file, max_bytes=limits.output_bytes)
        except (ObjectNotFoundError, ObjectTooLargeError) as error:
            return CompileFailure(f"the compiler left no usable program: {error.what}")
        return None

    def run(self, limits: RunLimits) -> RunOutcome:
        """Run the program on `input`; its output is then in `stdout`."""
        language = self.language
        argv = language.run_command(limits.memory_mb)
        return self._run(Role.RUN, language.policy, argv, limits, self.input)

    def was_refused_memory(self) -> bool:
        """Whether the last run said so: some runtimes first of all, others at the very end."""
        with self._stderr.open("rb") as file:
            head = file.read(_TAIL_BYTES)
        return self.language.was_refused_memory(head + self.stderr_tail())

    def stderr_tail(self) -> bytes:
        """Last words of the last run."""
        with self._stderr.open("rb") as file:
            file.seek(max(0, self._stderr.stat().st_size - _TAIL_BYTES))
            return file.read()

    def _run(
        self,
        role: Role,
        policy: str,
        argv: tuple[str, ...],
        limits: RunLimits,
        stdin: Path,
    ) -> RunOutcome:
        for path in (self.stdout, self._stderr):
            with suppress(FileNotFoundError):
                path.unlink()
        return self._box.run(RunSpec(role, policy, argv, limits, stdin, self.stdout, self._stderr))

    def _compiler_words(self, outcome: RunOutcome, limits: RunLimits) -> str:
        with self._stderr.open("rb") as file:
            words = file.read(_TAIL_BYTES).decode(errors="replace").replace("../compile/", "")
        return words.strip() or f"the compiler {explain(outcome, limits)}"
