"""From a request to the limits of its runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from grader.contract.messages import GradingRequest
from grader.core.limits import Ceilings, run_limits
from grader.errors import RequestError
from grader.languages import find

CEILINGS = Ceilings(time_limit_ms=5000, memory_limit_mb=256, source_bytes=1 << 20)


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
    limits = run_limits(request(5000, 256), find("python"), CEILINGS)

    assert (limits.cpu_ms, limits.memory_mb, limits.wall_ms) == (5000, 256, 11_000)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (request(time_limit=5001), "timeLimit: 5001 ms is above 5000 ms"),
        (request(memory_limit=257), "memoryLimit: 257 MB is above 256 MB"),
    ],
)
def test_a_request_above_a_ceiling_is_refused(asked: GradingRequest, words: str) -> None:
    """It is told the field and the ceiling, and is not silently given less."""
    with pytest.raises(RequestError, match=words) as caught:
        run_limits(asked, find("python"), CEILINGS)

    assert caught.value.code == "LIMIT_TOO_HIGH"
