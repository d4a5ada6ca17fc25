"""
From a source to what can be run: compiled in the sandbox, or taken from the cache.

A source that does not compile is the submission's fault only where the compiler is known to work.
One that says nothing about the source, or has made nothing for a while, is first asked to compile
a program known to be right; where it cannot, the platform is at fault.
"""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from pathlib import Path

from grader.cache.files import HeldFile
from grader.cache.programs import CompileRun, ProgramCache
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, SandboxError
from grader.judge.limits import compile_limits
from grader.judge.output_validator import Tell, build_validator
from grader.judge.problem_loader import ValidatorSources
from grader.judge.verdict import explain
from grader.languages import Language, find
from grader.problems.output_validators import compile_command
from grader.sandbox import Box
from grader.sandbox.policy import POLICIES, export
from grader.sandbox.runs import Role, RunLimits, RunOutcome, RunSpec, StopReason
from grader.sandbox.toolchain import fingerprint
from grader.text import printable

_POLICY = "compile"
_WORDS_BYTES = 4096
#: How long a compiler that worked is taken to work still, when a source seems to be at fault.
_PROVED_SECONDS = 60
#: What compilers say when a limit of ours refused them something.
_NO_MEMORY = ("out of memory", "memory exhausted", "OutOfMemoryError", "MemoryError")
_NO_MORE_OUTPUT = ("File too large", "File size limit exceeded")
#: What they say when they were short of something else; another time they may not be.
_SHORTAGES = (
    *("Cannot allocate memory", "No space left on device", "Resource temporarily unavailable"),
    *("Killed", "Input/output error", "Too many open files"),
)


@dataclass(frozen=True)
class CompileFailure:
    """
    Why there is nothing to run; the submission is at fault.

    Args:
        message: The compiler's words, safe to show.
        reason: What happened, on one line.
        by_limit: A limit of ours ended the compiler.
        by_shortage: It was short of something, and may not be another time.
    """

    message: str
    reason: str = "does not compile"
    by_limit: bool = False
    by_shortage: bool = False


@dataclass(frozen=True)
class Compiler:
    """
    Makes sources ready to run in one slot.

    Args:
        box: The slot.
        programs: What was compiled before.
        proved: When the compiler of each language last made something, by `clock`.
        clock: Seconds that only grow.
    """

    box: Box
    programs: ProgramCache
    proved: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    def load(
        self, language: Language, source: bytes, limits: RunLimits, directory: Path
    ) -> CompileFailure | None:
        """
        Put what runs where the run user can run, but not change, it.

        Args:
            language: Of the source.
            source: What was submitted.
            limits: Of the compiler.
            directory: Of the worker alone; for what the compiler says.

        Raises:
            TemporaryError: The sandbox or the toolchain failed.
        """
        if not language.compile_argv:
            self.box.store(Role.RUN, language.source_name, source)
            return None
        run = CompileRun(source, language.compile_argv, fingerprint(language), _sandbox())
        made = self._find(run) or self._make(language, run, limits, directory)
        if isinstance(made, CompileFailure):
            return made
        with made:
            self.box.store_file(Role.RUN, language.program_file, made.path)
        return None

    def validator(self, sources: ValidatorSources, directory: Path, tell: Tell) -> bytes | None:
        """
        Give the program of an output validator, built in the slot where it is not kept.

        Args:
            sources: The validator.
            directory: Of the worker alone; for what the compiler says.
            tell: Told the compiler's words.

        Returns:
            The program; None where there is nothing to compile.

        Raises:
            RequestError: It does not compile.
            TemporaryError: The sandbox failed.
        """
        command = compile_command(sources.files, "")
        if not command:
            return None
        toolchain = fingerprint(find(sources.files.language))
        run = CompileRun(sources.fingerprint().encode(), command, toolchain, _sandbox())
        kept = self.programs.program(run)
        if kept is None:
            program = build_validator(self.box, sources, directory, tell) or b""
            kept = self.programs.keep_program(run, program)
        with kept:
            return kept.path.read_bytes()

    def _find(self, run: CompileRun) -> HeldFile | CompileFailure | None:
        program = self.programs.program(run)
        if program is not None:
            return program
        words = self.programs.words(run)
        return None if words is None else CompileFailure(words)

    def _make(
        self, language: Language, run: CompileRun, limits: RunLimits, directory: Path
    ) -> HeldFile | CompileFailure:
        made = self._compile(language, run.source, limits, directory)
        if not isinstance(made, CompileFailure):
            self.proved[language.name] = self.clock()
            return self.programs.keep_program(run, made)
        says_where = language.source_name in made.message
        blamed = says_where and not made.by_shortage
        known = made.by_limit or (blamed and self._is_proved(language))
        if not known and language.self_test.encode() not in (b"", run.source):
            self._prove(language, directory)
        if blamed and not made.by_limit:
            self.programs.keep_words(run, made.message)
        return made

    def _compile(
        self, language: Language, source: bytes, limits: RunLimits, directory: Path
    ) -> bytes | CompileFailure:
        """Give the program, or why there is none."""
        self.box.store(Role.COMPILE, language.source_name, source)
        stdout, stderr = directory / "compiler-stdout", directory / "compiler-stderr"
        outcome = self.box.run(
            RunSpec(
                role=Role.COMPILE,
                policy=_POLICY,
                argv=language.compile_argv,
                limits=limits,
                stdin=Path(os.devnull),
                stdout=stdout,
                stderr=stderr,
            )
        )
        if not outcome.succeeded:
            return _failure(outcome, limits, stderr)
        try:
            return self.box.collect(
                Role.COMPILE, language.program_file, max_bytes=limits.output_bytes
            )
        except (ObjectNotFoundError, ObjectTooLargeError) as error:
            return CompileFailure(f"the compiler left no usable program: {error.what}")

    def _is_proved(self, language: Language) -> bool:
        return self.proved.get(language.name, -math.inf) > self.clock() - _PROVED_SECONDS

    def _prove(self, language: Language, directory: Path) -> None:
        """Have the compiler make a program known to be right; raises `SandboxError`."""
        self.box.clean()
        source = language.self_test.encode()
        made = self._compile(language, source, compile_limits(language), directory)
        if isinstance(made, CompileFailure):
            raise SandboxError(
                f"cannot compile a program known to be right: {made.message}",
                where=language.compile_argv[0],
                next_step="mend the toolchain; 'grader languages' tests it",
            )
        self.proved[language.name] = self.clock()


@cache
def _sandbox() -> str:
    """Tell one set of rules for compilers from another."""
    rules = next(policy for policy in POLICIES if policy.name == _POLICY)
    return sha256(export(rules)).hexdigest()


def _failure(outcome: RunOutcome, limits: RunLimits, stderr: Path) -> CompileFailure:
    with stderr.open("rb") as file:
        said = file.read(_WORDS_BYTES).decode(errors="replace")
    words = printable(said.replace("../compile/", "")).strip()
    ended = f"the compiler {explain(outcome, limits)}"
    if outcome.reason is not StopReason.ENDED:
        return CompileFailure(words or ended, ended, by_limit=True)
    if any(one in words for one in _NO_MEMORY):
        refused = f"the compiler wanted more memory than the {limits.memory_mb} MB allowed"
        return CompileFailure(words, refused, by_limit=True)
    if any(one in words for one in _NO_MORE_OUTPUT):
        refused = f"the compiler wrote more than the {limits.output_bytes >> 20} MB allowed"
        return CompileFailure(words, refused, by_limit=True)
    if not words:
        return CompileFailure(ended, ended)
    short = bool(outcome.signal) or any(one in words for one in _SHORTAGES)
    return CompileFailure(words, by_shortage=short)
