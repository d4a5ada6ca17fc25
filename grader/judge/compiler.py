"""
Compiles sources in the sandbox, or takes the program from the cache.

A failed compilation is the submission's fault only if the compiler is known to work.  If its
messages do not mention the source, or its last success was more than a minute ago, it first has to
compile the language's self-test; if that fails too, the platform is at fault.
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
from grader.judge.output_validator import Log, build_validator
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
_MESSAGE_BYTES = 4096
#: How long a success of a compiler counts as a proof that it works.
_PROVED_SECONDS = 60
#: Messages of compilers that reached one of the limits.
_NO_MEMORY = ("out of memory", "memory exhausted", "OutOfMemoryError", "MemoryError")
_NO_MORE_OUTPUT = ("File too large", "File size limit exceeded")
#: Messages of compilers that lacked another resource; the next attempt may succeed.
_SHORTAGES = (
    *("Cannot allocate memory", "No space left on device", "Resource temporarily unavailable"),
    *("Killed", "Input/output error", "Too many open files"),
)


@dataclass(frozen=True)
class CompileFailure:
    """
    A failed compilation; the submission is at fault.

    Args:
        message: Messages of the compiler, safe to show.
        reason: The reason on one line.
        by_limit: The compiler reached a limit.
        by_shortage: The compiler lacked a resource; the next attempt may succeed.
    """

    message: str
    reason: str = "does not compile"
    by_limit: bool = False
    by_shortage: bool = False


@dataclass(frozen=True)
class Compiler:
    """
    Compiles sources in one box.

    Args:
        box: The box.
        programs: Cache of compiled programs.
        proved: Time of the last success by language name, in seconds of `clock`.
        clock: Monotonic clock, seconds.
    """

    box: Box
    programs: ProgramCache
    proved: dict[str, float] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    def load(
        self, language: Language, source: bytes, limits: RunLimits, directory: Path
    ) -> CompileFailure | None:
        """
        Compile a source, and store the program where the run user can run but not change it.

        Args:
            language: Language of the source.
            source: Content of the source file.
            limits: Limits of the compiler.
            directory: Private directory of the worker, for the compiler's output.

        Returns:
            The failure; None if the program is ready to run.

        Raises:
            TemporaryError: The sandbox or the toolchain failed.
        """
        made = self.make(language, source, limits, directory)
        if made is None:
            self.box.store(Role.RUN, language.source_name, source)
            return None
        if isinstance(made, CompileFailure):
            return made
        with made:
            self.box.store_file(Role.RUN, language.program_file, made.path)
        return None

    def make(
        self, language: Language, source: bytes, limits: RunLimits, directory: Path
    ) -> HeldFile | CompileFailure | None:
        """
        Compile a source, without storing the program in the box.

        Args:
            language: Language of the source.
            source: Content of the source file.
            limits: Limits of the compiler.
            directory: Private directory of the worker, for the compiler's output.

        Returns:
            The program or the failure; None if the language has no compiler.

        Raises:
            TemporaryError: The sandbox or the toolchain failed.
        """
        if not language.compile_argv:
            return None
        run = CompileRun(source, language.compile_argv, fingerprint(language), _sandbox())
        return self._find(run) or self._make(language, run, limits, directory)

    def validator(self, sources: ValidatorSources, directory: Path, log: Log) -> bytes | None:
        """
        Return the program of an output validator, from the cache or compiled in the box.

        Args:
            sources: The validator.
            directory: Private directory of the worker, for the compiler's output.
            log: Receives the compiler's messages.

        Returns:
            The program; None if the language is not compiled.

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
            program = build_validator(self.box, sources, directory, log) or b""
            kept = self.programs.keep_program(run, program)
        with kept:
            return kept.path.read_bytes()

    def _find(self, run: CompileRun) -> HeldFile | CompileFailure | None:
        program = self.programs.program(run)
        if program is not None:
            return program
        message = self.programs.message(run)
        return None if message is None else CompileFailure(message)

    def _make(
        self, language: Language, run: CompileRun, limits: RunLimits, directory: Path
    ) -> HeldFile | CompileFailure:
        made = self._compile(language, run.source, limits, directory)
        if not isinstance(made, CompileFailure):
            self.proved[language.name] = self.clock()
            return self.programs.keep_program(run, made)
        names_source = language.source_name in made.message
        blamed = names_source and not made.by_shortage
        known = made.by_limit or (blamed and self._is_proved(language))
        if not known and language.self_test.encode() not in (b"", run.source):
            self._prove(language, directory)
        if blamed and not made.by_limit:
            self.programs.keep_message(run, made.message)
        return made

    def _compile(
        self, language: Language, source: bytes, limits: RunLimits, directory: Path
    ) -> bytes | CompileFailure:
        """Run the compiler; returns the program or the failure."""
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
        """Compile the language's self-test; raises `SandboxError` if that fails."""
        self.box.clean()
        source = language.self_test.encode()
        made = self._compile(language, source, compile_limits(language), directory)
        if isinstance(made, CompileFailure):
            raise SandboxError(
                f"cannot compile the self-test of {language.name}: {made.message}",
                where=language.compile_argv[0],
                next_step="fix the toolchain; 'grader languages' tests it",
            )
        self.proved[language.name] = self.clock()


@cache
def _sandbox() -> str:
    """Digest of the compilers' system call policy, a part of the cache key."""
    rules = next(policy for policy in POLICIES if policy.name == _POLICY)
    return sha256(export(rules)).hexdigest()


def _failure(outcome: RunOutcome, limits: RunLimits, stderr: Path) -> CompileFailure:
    with stderr.open("rb") as file:
        raw = file.read(_MESSAGE_BYTES).decode(errors="replace")
    message = printable(raw.replace("../compile/", "")).strip()
    ended = f"the compiler {explain(outcome, limits)}"
    if outcome.reason is not StopReason.ENDED:
        return CompileFailure(message or ended, ended, by_limit=True)
    if any(one in message for one in _NO_MEMORY):
        refused = f"the compiler wanted more memory than the {limits.memory_mb} MB allowed"
        return CompileFailure(message, refused, by_limit=True)
    if any(one in message for one in _NO_MORE_OUTPUT):
        refused = f"the compiler wrote more than the {limits.output_bytes >> 20} MB allowed"
        return CompileFailure(message, refused, by_limit=True)
    if not message:
        return CompileFailure(ended, ended)
    short = bool(outcome.signal) or any(one in message for one in _SHORTAGES)
    return CompileFailure(message, by_shortage=short)
