"""Two instances behind one load balancer, with clocks that are ten minutes apart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from memory_api import Answer, MemoryApi, graded, running

from grader.api.auth.gate import ApiGate, GateSettings
from grader.api.auth.keys import KeyStore
from grader.contract.api_keys import (
    ID_BYTES,
    SECRET_BYTES,
    ApiKeyRecord,
    Scope,
    format_key,
    hash_secret,
)
from grader.testing import MemoryParameterStore

NOW = datetime(2026, 5, 1, tzinfo=UTC)
SKEW = timedelta(minutes=5)
PROGRAM = {"problemId": "sum", "language": "python", "source": "print(3)"}


class Instances:
    """The instance whose clock is slow and the one whose clock is fast; all else is shared."""

    def __init__(self, make_api: Callable[..., MemoryApi], stack: ExitStack) -> None:
        self._parameters = MemoryParameterStore()
        slow, fast = (self._gate(NOW + by, stack) for by in (-SKEW, SKEW))
        self.slow = make_api(gate=slow)
        shared: dict[str, Any] = {
            "store": self.slow.store,
            "sender": self.slow.sender,
            "reader": self.slow.rows,
        }
        self.fast = make_api(gate=fast, **shared)
        self.key = self.add(1)

    def _gate(self, now: datetime, stack: ExitStack) -> ApiGate:
        keys = KeyStore(self._parameters, "/dev/api-keys/", lambda: 0.0, pause_seconds=0)
        settings = GateSettings(rate_per_minute=1000, concurrency=10)
        gate = ApiGate(keys, settings, clock=lambda: 0.0, now=lambda: now)
        stack.callback(gate.close)
        return gate

    def add(self, number: int, **fields: Any) -> str:
        """Store a key of ann; returns its text."""
        key_id, secret, text = format_key(bytes([number] * ID_BYTES), bytes(SECRET_BYTES))
        record = ApiKeyRecord(
            hash=hash_secret(secret),
            name="a key",
            user_id="ann",
            scopes=frozenset({Scope.SUBMIT, Scope.READ_OWN}),
            created_at=NOW,
            **fields,
        )
        self._parameters.values[f"/dev/api-keys/{key_id}"] = record.to_json().decode()
        return text

    def both(self, call: Callable[[MemoryApi], Answer]) -> tuple[Answer, Answer]:
        """Make a call of each, the slow one first."""
        return call(self.slow), call(self.fast)


@pytest.fixture
def instances(make_api: Callable[..., MemoryApi]) -> Iterator[Instances]:
    """Two instances with a key of ann."""
    with ExitStack() as stack:
        yield Instances(make_api, stack)


def test_a_revoked_key_is_refused_by_any_clock(instances: Instances) -> None:
    """Also by the one for which the time of the revocation is still to come."""
    key = instances.add(2, revoked_at=NOW)

    slow, fast = instances.both(lambda api: api.get("/v1/me", key))

    assert (slow.status, fast.status) == (401, 401)


@pytest.mark.parametrize(
    ("minutes", "statuses"), [(-6, (401, 401)), (0, (200, 401)), (6, (200, 200))]
)
def test_a_key_expires_by_the_clock_of_its_instance(
    instances: Instances, minutes: int, statuses: tuple[int, int]
) -> None:
    """So it may be valid for as long too much or too little as the clock is wrong, not more."""
    key = instances.add(2, expires_at=NOW + timedelta(minutes=minutes))

    slow, fast = instances.both(lambda api: api.get("/v1/me", key))

    assert (slow.status, fast.status) == statuses


def test_a_repetition_at_the_other_instance_leads_to_the_same_submission(
    instances: Instances,
) -> None:
    """The id follows from key and header, and not from the time."""
    same = {"headers": {"idempotency-key": "homework-3"}}

    slow, fast = instances.both(
        lambda api: api.post("/v1/submissions", PROGRAM, instances.key, **same)
    )
    changed = instances.fast.post(
        "/v1/submissions", {**PROGRAM, "source": "print(4)"}, instances.key, **same
    )

    assert slow.json == fast.json
    assert {each["requestId"] for each in instances.slow.sent()} == {slow.json["requestId"]}
    assert (changed.status, changed.kind) == (422, "idempotency-key-reused")


def test_a_list_goes_on_at_the_other_instance(instances: Instances) -> None:
    """A cursor is a place between rows, whose times are those of the database."""
    rows = [f"req_{number}" for number in range(4)]
    for number, request_id in enumerate(rows):
        row = graded(request_id, created_at=NOW + number * SKEW)
        instances.slow.rows.put(row)

    first = instances.slow.get("/v1/submissions?limit=2", instances.key).json
    second = instances.fast.get(
        f"/v1/submissions?limit=2&cursor={first['next']}", instances.key
    ).json

    pages = first["submissions"] + second["submissions"]
    assert [each["requestId"] for each in pages] == rows[::-1]
    assert "next" not in second


def test_a_stream_goes_on_at_the_other_instance(instances: Instances) -> None:
    """The number of an event follows from the state, so none is lost and none comes twice."""
    instances.slow.rows.put(running("req_1"))
    path = "/v1/submissions/req_1/events"
    stream = instances.slow.open("GET", path, key=instances.key)
    event = stream.event()
    stream.leave()
    instances.slow.rows.put(graded("req_1"))
    assert event is not None

    resumed = instances.fast.open(
        "GET", path, key=instances.key, headers={"last-event-id": str(event[0])}
    )
    following = resumed.event()

    assert following is not None
    assert following[0] > event[0]
    assert following[1]["status"] == "completed"
    assert resumed.event() is None
