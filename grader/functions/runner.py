"""Runs one function after the other, in a warm box or in the box of its consumer."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from grader.cache.files import HeldFile
from grader.cache.programs import ProgramCache
from grader.contract.bucket import ObjectUrl, result_key
from grader.contract.functions import (
    FunctionAnswer,
    FunctionManifest,
    FunctionRequest,
    FunctionResult,
    FunctionStatus,
    encode_input,
    exit_code_of,
)
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.errors import RequestError, TemporaryError
from grader.functions.code import FunctionCode, FunctionNotFoundError, FunctionStore
from grader.functions.history import RecentPeaks
from grader.functions.memory_tip import memory_tip, out_of_memory_tip
from grader.functions.pool import WarmPool
from grader.judge.compiler import CompileFailure, Compiler
from grader.judge.limits import MaxLimits, compile_limits
from grader.judge.program import Program
from grader.judge.verdict import find_fault
from grader.languages import Language
from grader.logs import Logger
from grader.ports.stores import ObjectStore
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunOutcome, StopReason

_US_PER_MS = 1000
_BYTES_PER_KB = 1024
_STATUSES = {
    Verdict.TIME_LIMIT_EXCEEDED: FunctionStatus.TIMEOUT,
    Verdict.MEMORY_LIMIT_EXCEEDED: FunctionStatus.OUT_OF_MEMORY,
}


def _now() -> datetime:
    return datetime.now(UTC)


def server_limits(language: Language, max_limits: MaxLimits, output_bytes: int) -> RunLimits:
    """Limits of an interpreter that is started before its function is known: the highest."""
    return _limits(
        language, max_limits.time_limit_ms, max_limits.memory_limit_mb, output_bytes=output_bytes
    )


def function_limits(
    manifest: FunctionManifest, language: Language, max_limits: MaxLimits, output_bytes: int
) -> RunLimits:
    """
    Limits of a run.

    Args:
        manifest: Manifest of the function.
        language: Its runtime.
        max_limits: Maximum limits of this worker.
        output_bytes: Largest output.

    Raises:
        RequestError: A limit of the manifest is above the maximum.
    """
    for name, value, maximum, unit in (
        ("timeout", manifest.timeout_ms, max_limits.time_limit_ms, "ms"),
        ("memory", manifest.memory_mb, max_limits.memory_limit_mb, "MB"),
    ):
        if value > maximum:
            raise RequestError(
                ErrorCode.LIMIT_TOO_HIGH,
                f"{name} of the function: {value} {unit} is above the maximum of {maximum} {unit}",
            )
    return _limits(language, manifest.timeout_ms, manifest.memory_mb, output_bytes=output_bytes)


def _limits(language: Language, timeout_ms: int, memory_mb: int, *, output_bytes: int) -> RunLimits:
    return RunLimits(
        cpu_ms=timeout_ms,
        wall_ms=timeout_ms,
        memory_mb=memory_mb,
        output_bytes=output_bytes,
        processes=language.processes,
        bound_address_space=language.bound_address_space,
    )


@dataclass(frozen=True, kw_only=True)
class FunctionRunner:
    """
    Runs functions for one consumer, one at a time.

    Args:
        functions: The functions of the bucket.
        objects: The grading bucket, for results.
        bucket: Name of the bucket.
        max_limits: Maximum limits of a function.
        output_bytes: Largest stdout and stderr, bytes each.
        box: Box of this consumer: it compiles, and runs what finds no warm box.
        pool: Warm boxes.
        programs: Cache of compiled programs.
        peaks: Peak memory of the last successful runs.
        find_language: Finds a language that works on this worker; raises for others.
        log: Log of the worker.
        clock: Time of results, UTC.
    """

    functions: FunctionStore
    objects: ObjectStore
    bucket: str
    max_limits: MaxLimits
    output_bytes: int
    box: Box
    pool: WarmPool
    programs: ProgramCache
    peaks: RecentPeaks
    find_language: Callable[[str], Language]
    log: Logger
    clock: Callable[[], datetime] = _now
    _proved: dict[str, float] = field(default_factory=dict)

    def __call__(self, request: FunctionRequest) -> FunctionResult:
        """
        Run a function.

        Raises:
            RequestError: The input is too large, or the function is invalid.
            TemporaryError: The bucket, the disk or the sandbox failed; another attempt may succeed.
        """
        stdin = encode_input(request.input_data)
        try:
            code = self.functions.load(request.function_id)
        except FunctionNotFoundError:
            answer = FunctionAnswer.without_run(
                request.request_id,
                request.function_id,
                FunctionStatus.NOT_FOUND,
                reason="no function has this id",
            )
        else:
            try:
                answer = self._run(request, code, stdin)
            except OSError as error:
                raise TemporaryError(
                    str(error), where="worker", next_step="check whether its disk is full"
                ) from error
        done = f"Function {request.function_id} ended - Status: {answer.status}"
        self.log.info(done, request_id=request.request_id)
        return self._upload(answer)

    def _run(self, request: FunctionRequest, code: FunctionCode, stdin: bytes) -> FunctionAnswer:
        manifest = code.manifest
        language = self.find_language(manifest.runtime)
        limits = function_limits(manifest, language, self.max_limits, self.output_bytes)
        _check_names(code, language)
        with TemporaryDirectory(prefix="grader-") as name:
            directory = Path(name)
            program = self._program(code, language, directory)
            if isinstance(program, CompileFailure):
                return FunctionAnswer.without_run(
                    request.request_id,
                    request.function_id,
                    FunctionStatus.FAILURE,
                    reason=program.reason,
                    stderr=program.message,
                )
            given = directory / "input"
            given.write_bytes(stdin)
            with program, self._box_for(language) as box:
                box.store_file(Role.RUN, language.program_file, program.path)
                for file, content in code.files.items():
                    if file != manifest.entry:
                        box.store(Role.RUN, file, content)
                started = Program(
                    box,
                    language,
                    limits,
                    directory,
                    warm=box is not self.box,
                    server_argv=language.function_server_argv,
                    server_limits=server_limits(language, self.max_limits, self.output_bytes),
                )
                outcome = started.run(given)
            return self._answer(request, manifest, started, outcome)

    def _program(
        self, code: FunctionCode, language: Language, directory: Path
    ) -> HeldFile | CompileFailure:
        """Take the program from the cache, or compile it."""
        compiler = Compiler(self.box, self.programs, self._proved)
        self.box.ensure_clean()
        try:
            made = compiler.make(language, code.source, compile_limits(language), directory)
        finally:
            self.box.ensure_clean()
        if made is None:
            raise RequestError(
                ErrorCode.FUNCTION_INVALID, f"functions cannot be written in {language.title}"
            )
        return made

    @contextmanager
    def _box_for(self, language: Language) -> Iterator[Box]:
        """Take a warm box, or else this consumer's, and have it cleaned afterwards."""
        warm = self.pool.take(language.name)
        if warm is None:
            try:
                yield self.box
            finally:
                self.box.clean()
            return
        try:
            yield warm.box
        finally:
            self.pool.give_back(warm)

    def _answer(
        self,
        request: FunctionRequest,
        manifest: FunctionManifest,
        program: Program,
        outcome: RunOutcome,
    ) -> FunctionAnswer:
        refused = not outcome.succeeded and program.was_refused_memory()
        fault = find_fault(outcome, program.limits, refused_memory=refused)
        status = FunctionStatus.SUCCESS
        if fault is not None:
            status = _STATUSES.get(fault.verdict, FunctionStatus.FAILURE)
        tip = None
        least_mb = program.language.least_memory_mb
        if status is FunctionStatus.SUCCESS:
            peaks = self.peaks.add(request.function_id, outcome.peak_mb)
            tip = memory_tip(manifest.memory_mb, peaks, least_mb)
        elif status is FunctionStatus.OUT_OF_MEMORY:
            tip = out_of_memory_tip(manifest.memory_mb, least_mb)
        return FunctionAnswer(
            request_id=request.request_id,
            function_id=request.function_id,
            status=status,
            exit_code=_exit_code(outcome),
            stdout=self._text(program.stdout),
            stderr=self._text(program.stderr),
            duration_millis=-(-outcome.wall_us // _US_PER_MS),
            peak_memory_bytes=outcome.peak_kb * _BYTES_PER_KB,
            peak_memory_mb=outcome.peak_mb,
            optimization_tip=tip,
            reason=fault.reason if fault else None,
        )

    def _text(self, path: Path) -> str:
        with path.open("rb") as file:
            return file.read(self.output_bytes).decode(errors="replace")

    def _upload(self, answer: FunctionAnswer) -> FunctionResult:
        key = result_key(answer.request_id)
        result = FunctionResult(
            request_id=answer.request_id,
            status=Status.COMPLETED,
            result=answer,
            result_file=str(ObjectUrl(self.bucket, key)),
            timestamp=self.clock(),
        )
        self.objects.put(key, result.to_json(), content_type="application/json")
        self.log.info("Result uploaded to S3", request_id=answer.request_id)
        return result


def _exit_code(outcome: RunOutcome) -> int:
    """Return the exit code; of a run that a limit stopped, that of the usual signal."""
    if outcome.reason is StopReason.ENDED:
        return exit_code_of(outcome.exit_code, outcome.signal)
    stopped = signal.SIGXFSZ if outcome.reason is StopReason.OUTPUT else signal.SIGKILL
    return exit_code_of(0, stopped)


def _check_names(code: FunctionCode, language: Language) -> None:
    """Refuse a file that would replace the program."""
    for name in code.files:
        if name in (language.program_file, language.source_name) and name != code.manifest.entry:
            raise RequestError(
                ErrorCode.FUNCTION_INVALID,
                f"only the entry may be named {name}; rename that file",
            )
