"""
A problem's own output validator: compiled once in the sandbox, kept by a cache, put in place.

It is as untrusted as a submission, and what it does wrong is the problem's fault.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from grader.contract.verdicts import ErrorCode
from grader.errors import ObjectNotFoundError, ObjectTooLargeError, RequestError
from grader.judge.problem_loader import ValidatorSources
from grader.judge.verdict import explain
from grader.problems.model import ProblemSettings
from grader.problems.output_validators import PROGRAM, compile_command
from grader.sandbox import Box
from grader.sandbox.runs import Role, RunLimits, RunSpec

#: Told what a validator, or its compiler, wrote for judges; it is not for those who submit.
Tell = Callable[[str], object]

_DEFAULT_CHECK_MS, _MOST_CHECK_MS = 20_000, 60_000
_DEFAULT_CHECK_MB, _MOST_CHECK_MB = 512, 1024
_DEFAULT_CHECK_OUTPUT_MB, _MOST_CHECK_OUTPUT_MB = 8, 64
#: It may wait for a busy machine: that it was stopped is held against the problem.
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
#: So much of what a program wrote is looked at.
MESSAGE_BYTES = 4096


def check_limits(settings: ProblemSettings) -> RunLimits:
    """Bounds of a validator's run: what the problem asks for, up to what there is."""
    cpu_ms = min(settings.check_time_ms or _DEFAULT_CHECK_MS, _MOST_CHECK_MS)
    output_mb = min(settings.check_output_mb or _DEFAULT_CHECK_OUTPUT_MB, _MOST_CHECK_OUTPUT_MB)
    return RunLimits(
        cpu_ms=cpu_ms,
        wall_ms=2 * cpu_ms + _WALL_GRACE_MS,
        memory_mb=min(settings.check_memory_mb or _DEFAULT_CHECK_MB, _MOST_CHECK_MB),
        output_bytes=output_mb << 20,
        processes=_CHECK_PROCESSES,
        bound_address_space=True,
    )


def build_validator(
    box: Box, sources: ValidatorSources, directory: Path, tell: Tell
) -> bytes | None:
    """
    Compile a validator in a clean slot, which is clean again afterwards.

    Args:
        box: The slot.
        sources: The validator; see `grader.judge.problem_loader.load_validator`.
        directory: Of the worker alone; for what the compiler writes.
        tell: Told the compiler's words.

    Returns:
        The program, which a cache may keep by `sources.fingerprint()`; None where there is nothing
        to compile.

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
        words = tail(stderr)
        if not outcome.succeeded:
            tell(f"validator compiler: {words.decode(errors='replace')}")
            raise validator_failed(f"to compile: {explain(outcome, _COMPILE_LIMITS)}")
        return box.collect(Role.COMPILE, PROGRAM, max_bytes=_COMPILE_LIMITS.output_bytes)
    except (ObjectNotFoundError, ObjectTooLargeError) as error:
        raise validator_failed(f"to compile: no usable program: {error.what}") from None
    finally:
        for path in (stdout, stderr):
            path.unlink(missing_ok=True)
        box.clean()


def install_validator(box: Box, sources: ValidatorSources, program: bytes | None) -> None:
    """Put a validator where the checker user can run it; `program` is what was built."""
    if program is not None:
        box.store(Role.CHECKER, PROGRAM, program)
        return
    for name, content in sources.contents.items():
        box.store(Role.CHECKER, name, content)


def validator_failed(how: str) -> RequestError:
    """Make the error that lays a failure at the problem's door; `how` is safe to show."""
    return RequestError(ErrorCode.CHECKER_FAILED, f"the problem's output validator failed {how}")


def tail(path: Path) -> bytes:
    """Read the last words of a program; none where it wrote no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - MESSAGE_BYTES))
            return file.read()
    except FileNotFoundError:
        return b""
