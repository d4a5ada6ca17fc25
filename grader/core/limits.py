"""From what a request asks for to what its runs get, within what this worker allows; pure."""

from __future__ import annotations

from dataclasses import dataclass

from grader.contract.messages import GradingRequest
from grader.contract.runs import RunLimits
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.languages import Language

#: A program may sleep, or wait for a busy machine, for this long beyond twice its CPU limit.
_WALL_GRACE_MS = 1_000
_OUTPUT_BYTES = 16 << 20

#: Of any file that a compiler writes.
_COMPILED_BYTES = 64 << 20
_COMPILE_PROCESSES = 64


@dataclass(frozen=True)
class Ceilings:
    """
    The most that this worker gives a request.

    Args:
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
        source_bytes: Size of a source file.
    """

    time_limit_ms: int
    memory_limit_mb: int
    source_bytes: int


def run_limits(request: GradingRequest, language: Language, ceilings: Ceilings) -> RunLimits:
    """Bounds of one case; raises `RequestError` when the request wants more than the ceilings."""
    _check("timeLimit", request.time_limit, ceilings.time_limit_ms, "ms")
    _check("memoryLimit", request.memory_limit, ceilings.memory_limit_mb, "MB")
    return RunLimits(
        cpu_ms=request.time_limit,
        wall_ms=2 * request.time_limit + _WALL_GRACE_MS,
        memory_mb=request.memory_limit,
        output_bytes=_OUTPUT_BYTES,
        processes=language.processes,
        bound_address_space=language.bound_address_space,
        runtime_memory_mb=language.runtime_memory_mb,
    )


def compile_limits(language: Language) -> RunLimits:
    """Bounds of a compiler: trusted more than its programs, but templates compute for ever."""
    return RunLimits(
        cpu_ms=language.compile_seconds * 1000,
        wall_ms=2 * language.compile_seconds * 1000,
        memory_mb=language.compile_memory_mb,
        output_bytes=_COMPILED_BYTES,
        processes=_COMPILE_PROCESSES,
        bound_address_space=False,
    )


def _check(field: str, wanted: int, ceiling: int, unit: str) -> None:
    if wanted > ceiling:
        raise RequestError(
            ErrorCode.LIMIT_TOO_HIGH, f"{field}: {wanted} {unit} is above {ceiling} {unit}"
        )
