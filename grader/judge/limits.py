"""Limits of runs and compilers, from request and problem, checked against the maximums; pure."""

from __future__ import annotations

from dataclasses import dataclass

from grader.contract.messages import GradingRequest
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.languages import Language
from grader.problems.model import ProblemSettings
from grader.sandbox.runs import RunLimits

#: Wall time beyond twice the CPU limit, for sleeping programs and busy machines.
_WALL_GRACE_MS = 1_000
_DEFAULT_OUTPUT_MB, _MAX_OUTPUT_MB = 16, 64
_MAX_COMPILE_MS = 60_000
#: Maximum size of any file that a compiler writes.
_COMPILED_MAX_BYTES = 64 << 20
_COMPILE_PROCESSES = 64
_NO_SETTINGS = ProblemSettings()


@dataclass(frozen=True)
class MaxLimits:
    """
    Maximum limits that a request may have on this worker.

    Args:
        time_limit_ms: CPU milliseconds per case.
        memory_limit_mb: MB per case.
        source_bytes: Size of a source file.
    """

    time_limit_ms: int
    memory_limit_mb: int
    source_bytes: int


def run_limits(
    request: GradingRequest,
    language: Language,
    max_limits: MaxLimits,
    settings: ProblemSettings = _NO_SETTINGS,
) -> RunLimits:
    """
    Limits of one case; time and memory are those of the request.

    Raises:
        RequestError: A limit of the request is above the maximum.
    """
    _check("timeLimit", request.time_limit, max_limits.time_limit_ms, "ms")
    _check("memoryLimit", request.memory_limit, max_limits.memory_limit_mb, "MB")
    output_mb = min(settings.output_limit_mb or _DEFAULT_OUTPUT_MB, _MAX_OUTPUT_MB)
    return RunLimits(
        cpu_ms=request.time_limit,
        wall_ms=2 * request.time_limit + _WALL_GRACE_MS,
        memory_mb=request.memory_limit,
        output_bytes=output_mb << 20,
        processes=language.processes,
        bound_address_space=language.bound_address_space,
    )


def compile_limits(language: Language, settings: ProblemSettings = _NO_SETTINGS) -> RunLimits:
    """
    Limits of a compiler, since a template can compute without end.

    A problem may change time and memory, but not raise the memory above the language's own value.
    """
    cpu_ms = min(settings.compile_time_ms or language.compile_seconds * 1000, _MAX_COMPILE_MS)
    memory_mb = settings.compile_memory_mb or language.compile_memory_mb
    return RunLimits(
        cpu_ms=cpu_ms,
        wall_ms=2 * cpu_ms + _WALL_GRACE_MS,
        memory_mb=min(memory_mb, language.compile_memory_mb),
        output_bytes=_COMPILED_MAX_BYTES,
        processes=_COMPILE_PROCESSES,
        bound_address_space=False,
    )


def source_limit_bytes(max_limits: MaxLimits, settings: ProblemSettings) -> int:
    """Maximum size of a source: that of the problem, at most that of the worker."""
    if settings.source_limit_kb is None:
        return max_limits.source_bytes
    return min(settings.source_limit_kb << 10, max_limits.source_bytes)


def _check(field: str, requested: int, maximum: int, unit: str) -> None:
    if requested > maximum:
        raise RequestError(
            ErrorCode.LIMIT_TOO_HIGH,
            f"{field}: {requested} {unit} is above the maximum of {maximum} {unit}",
        )
