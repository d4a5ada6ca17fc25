"""From a request to the limits of its runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from grader.contract.messages import GradingRequest
from grader.errors import RequestError
from grader.judge.limits import MaxLimits, compile_limits, run_limits, source_limit_bytes
from grader.languages import find
from grader.problems.model import ProblemSettings

MAX_LIMITS = MaxLimits(time_limit_ms=5000, memory_limit_mb=256, source_bytes=1 << 20)


def request(time_limit: int = 1000, memory_limit: int = 64) -> GradingRequest:
    return GradingRequest(
        request_id="r",
        user_id="u",
        problem_id="p",
        language="python",
        source_file="s3://b/k",
        time_limit=time_limit,
        memory_limit=memory_limit,
        timestamp=datetime(2024, 8, 20, tzinfo=UTC),
    )


def test_a_request_up_to_the_ceilings_gets_what_it_asks_for() -> None:
    """The clock only guards: it is twice the CPU limit and a second."""
    limits = run_limits(request(5000, 256), find("python"), MAX_LIMITS)

    assert (limits.cpu_ms, limits.memory_mb, limits.wall_ms) == (5000, 256, 11_000)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request(time_limit=5001), "timeLimit: 5001 ms is above the maximum of 5000 ms"),
        (request(memory_limit=257), "memoryLimit: 257 MB is above the maximum of 256 MB"),
    ],
)
def test_a_request_above_a_maximum_is_rejected(asked: GradingRequest, words: str) -> None:
    """The error has the field and the maximum; the limit is not lowered silently."""
    with pytest.raises(RequestError, match=words) as caught:
        run_limits(asked, find("python"), MAX_LIMITS)

    assert caught.value.code == "LIMIT_TOO_HIGH"


@pytest.mark.parametrize(("asked_mb", "given_mb"), [(None, 16), (1, 1), (64, 64), (65, 64)])
def test_a_problem_says_how_much_may_be_written(asked_mb: int | None, given_mb: int) -> None:
    """Up to what a worker has room for."""
    settings = ProblemSettings(output_limit_mb=asked_mb)

    assert run_limits(request(), find("c"), MAX_LIMITS, settings).output_bytes == given_mb << 20


def test_a_problem_says_how_long_its_sources_may_compile() -> None:
    """Up to a minute, and with no more memory than the language is known to need."""
    language = find("cpp")
    usual = compile_limits(language)
    quick = compile_limits(language, ProblemSettings(compile_time_ms=3000, compile_memory_mb=64))
    greedy = compile_limits(
        language, ProblemSettings(compile_time_ms=10**6, compile_memory_mb=10**6)
    )

    assert usual.cpu_ms == language.compile_seconds * 1000
    assert (quick.cpu_ms, quick.memory_mb, quick.wall_ms) == (3000, 64, 7000)
    assert (greedy.cpu_ms, greedy.memory_mb) == (60_000, language.compile_memory_mb)


@pytest.mark.parametrize(
    ("asked_kb", "given"), [(None, 1 << 20), (128, 128 << 10), (2048, 1 << 20)]
)
def test_a_problem_says_how_long_a_source_may_be(asked_kb: int | None, given: int) -> None:
    """Up to the worker's maximum."""
    assert source_limit_bytes(MAX_LIMITS, ProblemSettings(source_limit_kb=asked_kb)) == given
