"""The account finds what is missing, twice or wrong; otherwise no fault could fail."""

from __future__ import annotations

from dataclasses import replace

import pytest
from chaos.account import ACCEPTED, REJECTED, Evidence, count

from grader.contract.bucket import result_key

EXPECTED = {"req_1": ACCEPTED, "req_2": REJECTED}
TIME = '"timestamp": "2024-08-20T12:00:15Z"'
GRADE = '{"verdict": "%s", "score": 100, "executionTime": 1, "memoryUsage": 1, "testResults": []}'


def accepted(verdict: str = ACCEPTED) -> bytes:
    """A result message of the first request."""
    grade = GRADE % verdict
    return f'{{"requestId": "req_1", "status": "completed", "result": {grade}, {TIME}}}'.encode()


def rejected() -> bytes:
    """The result message of the second request."""
    error = f'{{"code": "{REJECTED}", "message": "x", "fault": "submission"}}'
    return f'{{"requestId": "req_2", "status": "failed", "error": {error}, {TIME}}}'.encode()


GOOD = Evidence(
    messages={"req_1": [accepted()], "req_2": [rejected()]},
    rows=[("req_1", 1, ACCEPTED), ("req_2", 1, REJECTED)],
    stored=frozenset({result_key("req_1"), result_key("req_2")}),
    dead={"req_2": "unknown language"},
)


def test_a_result_that_is_sent_again_is_counted_and_allowed() -> None:
    """The delivery guarantee is one stored result and at least one message."""
    messages = {**GOOD.messages, "req_1": [accepted(), accepted()]}
    found = count(EXPECTED, replace(GOOD, messages=messages))

    assert found.deviations == []
    assert (found.results, found.repeated, found.rows, found.dead_letters) == (2, 1, 2, 1)


@pytest.mark.parametrize(
    ("changed", "deviation"),
    [
        ({"messages": {"req_2": [rejected()]}}, "req_1: ['AC', 'no result'] instead of AC"),
        (
            {"messages": {**GOOD.messages, "req_1": [accepted(), accepted("WA")]}},
            "req_1: ['AC', 'WA'] instead of AC",
        ),
        ({"rows": GOOD.rows[1:]}, "req_1: ['AC', 'no row'] instead of AC"),
        ({"rows": [*GOOD.rows, GOOD.rows[0]]}, "1 duplicate rows"),
        (
            {"rows": [("req_1", 1, "running"), GOOD.rows[1]]},
            "req_1: ['AC', 'running'] instead of AC",
        ),
        ({"stored": frozenset({result_key("req_2")})}, "req_1: not in the bucket"),
        ({"answers": {"req_1": "queued"}}, "req_1: ['AC', 'queued'] instead of AC"),
        ({"dead": {}}, "req_2: not on grading-dlq"),
        ({"dead": {**GOOD.dead, "req_1": "bug"}}, "req_1: on grading-dlq: bug"),
    ],
)
def test_every_deviation_is_named(changed: dict[str, object], deviation: str) -> None:
    """With its request."""
    assert count(EXPECTED, replace(GOOD, **changed)).deviations == [deviation]
