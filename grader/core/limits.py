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

#: Compilers are trusted more than what they compile, but templates can compute for ever.
COMPILE_LIMITS = RunLimits(
    cpu_ms=30_000,
    wall_ms=60_000,
    memory_mb=1024,
    output_bytes=64 << 20,
    processes=64,
    bound_address_space=False,
)


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
    )


def _check(field: str, wanted: int, ceiling: int, unit: str) -> None:
    if wanted > ceiling:
        raise RequestError(
            ErrorCode.LIMIT_TOO_HIGH, f"{field}: {wanted} {unit} is above {ceiling} {unit}"
        )
