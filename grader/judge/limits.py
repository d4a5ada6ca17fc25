"""From what a request asks for to what its runs get, within what this worker allows; pure."""

from __future__ import annotations

from dataclasses import dataclass

from grader.contract.messages import GradingRequest
from grader.contract.verdicts import ErrorCode
from grader.errors import RequestError
from grader.languages import Language
from grader.problems.model import ProblemSettings
from grader.sandbox.runs import RunLimits

#: A program may sleep, or wait for a busy machine, for this long beyond twice its CPU limit.
_WALL_GRACE_MS = 1_000
_DEFAULT_OUTPUT_MB, _MOST_OUTPUT_MB = 16, 64
_MOST_COMPILE_MS = 60_000
#: Of any file that a compiler writes.
_COMPILED_BYTES = 64 << 20
_COMPILE_PROCESSES = 64
_NOTHING_SAID = ProblemSettings()


@dataclass(frozen=True)
class MaxLimits:
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


def run_limits(
    request: GradingRequest,
    language: Language,
    max_limits: MaxLimits,
    settings: ProblemSettings = _NOTHING_SAID,
) -> RunLimits:
    """
    Bounds of one case; time and memory are those of the request.

    Raises:
        RequestError: The request wants more than the max_limits.
    """
    _check("timeLimit", request.time_limit, max_limits.time_limit_ms, "ms")
    _check("memoryLimit", request.memory_limit, max_limits.memory_limit_mb, "MB")
    output_mb = min(settings.output_limit_mb or _DEFAULT_OUTPUT_MB, _MOST_OUTPUT_MB)
    return RunLimits(
        cpu_ms=request.time_limit,
        wall_ms=2 * request.time_limit + _WALL_GRACE_MS,
        memory_mb=request.memory_limit,
        output_bytes=output_mb << 20,
        processes=language.processes,
        bound_address_space=language.bound_address_space,
        runtime_memory_mb=language.runtime_memory_mb,
    )


def compile_limits(language: Language, settings: ProblemSettings = _NOTHING_SAID) -> RunLimits:
    """
    Bounds of a compiler: trusted more than its programs, but templates compute for ever.

    A problem may ask for other ones, but for no more memory than the language is known to need.
    """
    cpu_ms = min(settings.compile_time_ms or language.compile_seconds * 1000, _MOST_COMPILE_MS)
    memory_mb = settings.compile_memory_mb or language.compile_memory_mb
    return RunLimits(
        cpu_ms=cpu_ms,
        wall_ms=2 * cpu_ms + _WALL_GRACE_MS,
        memory_mb=min(memory_mb, language.compile_memory_mb),
        output_bytes=_COMPILED_BYTES,
        processes=_COMPILE_PROCESSES,
        bound_address_space=False,
    )


def source_limit_bytes(max_limits: MaxLimits, settings: ProblemSettings) -> int:
    """Largest source: what the problem asks for, up to the ceiling."""
    if settings.source_limit_kb is None:
        return max_limits.source_bytes
    return min(settings.source_limit_kb << 10, max_limits.source_bytes)


def _check(field: str, wanted: int, ceiling: int, unit: str) -> None:
    if wanted > ceiling:
        raise RequestError(
            ErrorCode.LIMIT_TOO_HIGH, f"{field}: {wanted} {unit} is above {ceiling} {unit}"
        )
