"""Compares what a trial left of each request with what it must leave; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grader.contract.bucket import result_key
from grader.contract.messages import GradingResult
from grader.contract.names import DEAD_LETTER_QUEUE

#: The two outcomes of the requests: the second is a dead letter that is meant.
ACCEPTED, REJECTED = "AC", "UNKNOWN_LANGUAGE"


@dataclass(frozen=True)
class Evidence:
    """
    What the requests of a trial left.

    Args:
        messages: The bodies of the result messages, by request.
        rows: Request, attempts, and verdict or error code of each row.
        stored: Keys of the results in the bucket.
        dead: Reasons of the dead letters, by request.
        answers: What the HTTP API answers, by request: verdict or error code; empty: not asked.
    """

    messages: Mapping[str, Sequence[bytes]]
    rows: Sequence[tuple[object, ...]]
    stored: frozenset[str]
    dead: Mapping[str, str]
    answers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Counts:
    """
    The counts of a trial.

    Args:
        requests: Number of requests.
        results: Requests with a result message.
        repeated: Result messages beyond the first of each request.
        rows: Rows of the requests.
        duplicate_rows: Rows beyond the first of each request.
        graded_again: Requests with more than one attempt.
        dead_letters: Dead letters of the requests.
        deviations: Everything that must not be.
    """

    requests: int
    results: int
    repeated: int
    rows: int
    duplicate_rows: int
    graded_again: int
    dead_letters: int
    deviations: list[str]


@dataclass(frozen=True)
class Account(Counts):
    """
    The counts after a fault, and its times.

    Args:
        fault: Name of the fault.
        lasted_seconds: How long it lasted.
        first_seconds: From its end to the next result.
        recovery_seconds: From its end to the last result.
    """

    fault: str
    lasted_seconds: float
    first_seconds: float
    recovery_seconds: float


def count(expected: Mapping[str, str], evidence: Evidence) -> Counts:
    """
    Count, and compare with what must be.

    Args:
        expected: The outcome that each request deserves.
        evidence: What was found.
    """
    messages = [bodies for bodies in evidence.messages.values() if bodies]
    outcomes = {str(row[0]): str(row[2]) for row in evidence.rows}
    return Counts(
        requests=len(expected),
        results=len(messages),
        repeated=sum(len(bodies) - 1 for bodies in messages),
        rows=len(evidence.rows),
        duplicate_rows=len(evidence.rows) - len(outcomes),
        graded_again=sum(int(str(row[1])) > 1 for row in evidence.rows),
        dead_letters=len(evidence.dead),
        deviations=_deviations(expected, evidence, outcomes),
    )


def _deviations(
    expected: Mapping[str, str], evidence: Evidence, outcomes: Mapping[str, str]
) -> list[str]:
    found = []
    for request_id, outcome in expected.items():
        told = {_outcome(body) for body in evidence.messages.get(request_id, ())} or {"no result"}
        told.add(outcomes.get(request_id, "no row"))
        told.add(evidence.answers.get(request_id, outcome))
        if told != {outcome}:
            found.append(f"{request_id}: {sorted(told)} instead of {outcome}")
        if result_key(request_id) not in evidence.stored:
            found.append(f"{request_id}: not in the bucket")
        if outcome == REJECTED and request_id not in evidence.dead:
            found.append(f"{request_id}: not on {DEAD_LETTER_QUEUE}")
    for request_id, reason in evidence.dead.items():
        if expected[request_id] != REJECTED:
            found.append(f"{request_id}: on {DEAD_LETTER_QUEUE}: {reason}")
    if len(outcomes) < len(evidence.rows):
        found.append(f"{len(evidence.rows) - len(outcomes)} duplicate rows")
    return found


def _outcome(body: bytes) -> str:
    result = GradingResult.from_json(body)
    if result.error is not None:
        return str(result.error.code)
    return str(result.result.verdict) if result.result else "nothing"
