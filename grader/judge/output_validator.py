"""
Compiles a problem's output validator in the sandbox and installs it for the checker user.

A validator is as untrusted as a submission; its failures are the problem's fault.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.judge.problem_loader import ValidatorSources
from grader.judge.program import read_tail
from grader.judge.verdict import explain
from grader.problems.model import ProblemSettings
from grader.problems.output_validators import PROGRAM, compile_command
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec

#: Receives messages of a validator or its compiler to judges; submitters do not see them.
Log = Callable[[str], object]

_DEFAULT_CHECK_MS, _MAX_CHECK_MS = 20_000, 60_000
_DEFAULT_CHECK_MB, _MAX_CHECK_MB = 512, 1024
_DEFAULT_CHECK_OUTPUT_MB, _MAX_CHECK_OUTPUT_MB = 8, 64
#: Generous, because a validator stopped on a busy machine counts as the problem's fault.
_WALL_GRACE_MS = 5_000
_CHECK_PROCESSES = 16
_COMPILE_LIMITS = RunLimits(
    cpu_ms=30_000,
    wall_ms=60_000,
    memory_mb=1024,
    output_bytes=64 << 20,
    processes=64,
    bound_address_space=False,
)
_COMPILE_DIRECTORY = "../compile/"
#: Maximum part of a program's messages that is read.
MESSAGE_BYTES = 4096


def check_limits(settings: ProblemSettings) -> RunLimits:
    """Limits of a validator's run: those of the problem, up to fixed maximums."""
    cpu_ms = min(settings.check_time_ms or _DEFAULT_CHECK_MS, _MAX_CHECK_MS)
    output_mb = min(settings.check_output_mb or _DEFAULT_CHECK_OUTPUT_MB, _MAX_CHECK_OUTPUT_MB)
    return RunLimits(
        cpu_ms=cpu_ms,
        wall_ms=2 * cpu_ms + _WALL_GRACE_MS,
        memory_mb=min(settings.check_memory_mb or _DEFAULT_CHECK_MB, _MAX_CHECK_MB),
        output_bytes=output_mb << 20,
        processes=_CHECK_PROCESSES,
        bound_address_space=True,
    )


def build_validator(box: Box, sources: ValidatorSources, directory: Path, log: Log) -> bytes | None:
    """
    Compile a validator in a clean box, and clean the box afterwards.

    Args:
        box: The box.
        sources: The validator; see `grader.judge.problem_loader.load_validator`.
        directory: Private directory of the worker, for the compiler's output.
        log: Receives the compiler's messages.

    Returns:
        The program, cacheable by `sources.fingerprint()`; None if the language is not compiled.

    Raises:
        RequestError: It does not compile.
        TemporaryError: The sandbox failed.
    """
    command = compile_command(sources.files, _COMPILE_DIRECTORY)
    if not command:
        return None
    stdout, stderr = directory / "validator-stdout", directory / "validator-stderr"
    try:
        for name, content in sources.contents.items():
            box.store(Role.COMPILE, name, content)
        spec = RunSpec(
            Role.COMPILE, "compile", command, _COMPILE_LIMITS, Path(os.devnull), stdout, stderr
        )
        outcome = box.run(spec)
        message = read_tail(stderr, MESSAGE_BYTES)
        if not outcome.succeeded:
            log(f"validator compiler: {message.decode(errors='replace')}")
            raise validator_failed(f"to compile: {explain(outcome, _COMPILE_LIMITS)}")
        return box.collect(Role.COMPILE, PROGRAM, max_bytes=_COMPILE_LIMITS.output_bytes)
    except (ObjectNotFoundError, ObjectTooLargeError) as error:
        raise validator_failed(f"to compile: no usable program: {error.what}") from None
    finally:
        for path in (stdout, stderr):
            path.unlink(missing_ok=True)
        box.clean()


def install_validator(box: Box, sources: ValidatorSources, program: bytes | None) -> None:
    """Store a validator where the checker user can run it; `program` is from `build_validator`."""
    if program is not None:
        box.store(Role.CHECKER, PROGRAM, program)
        return
    for name, content in sources.contents.items():
        box.store(Role.CHECKER, name, content)


def validator_failed(how: str) -> RequestError:
    """Create the error for a failure of the problem's validator; `how` is safe to show."""
    return RequestError(ErrorCode.CHECKER_FAILED, f"the problem's output validator failed {how}")
