"""Time from sending a request to receiving its result, on an idle stack."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from figures import Aim, Figure, Measured, percentile, timed
from local_stack import Local

from grader.adapters.activemq.connection import Connection
from grader.contract.bucket import ObjectUrl, source_key, test_cases_prefix
from grader.contract.messages import GradingRequest
from grader.contract.names import REQUESTS_QUEUE, RESULTS_QUEUE
from grader.ports.stores import ObjectStore

_RUNS = 60
_AIMS = {50: None, 95: Aim(100)}
_MARK = f"bench-{secrets.token_hex(4)}"
_TIMEOUT_SECONDS = 30.0
_SOURCE = b"print(int(input()) + 1)\n"


def measure(local: Local) -> Measured:
    """Baseline: a bare round trip through the same broker: send, receive, acknowledge."""
    objects = local.target.objects
    put_problem(objects)
    with local.broker() as producer, local.broker() as consumer:
        consumer.subscribe(RESULTS_QUEUE, headers={"selector": f"JMSCorrelationID LIKE '{_MARK}%'"})
        graded, bare = [], []
        with local.broker() as echo:
            echo.subscribe(_MARK)
            for number in range(_RUNS):
                body = put_request(objects, local.target.bucket, number)
                graded.append(timed(_round_trip, producer, REQUESTS_QUEUE, body, consumer))
                bare.append(timed(_round_trip, producer, _MARK, body, echo))
    baseline = 1000 * percentile(bare, 50)
    for percent, aim in _AIMS.items():
        value = 1000 * percentile(graded, percent)
        yield f"submit_to_result_ms_p{percent}", Figure(value, "ms", baseline, _RUNS, aim)


def put_problem(objects: ObjectStore) -> None:
    """Store the test cases."""
    for name, content in (("1.in", b"41\n"), ("1.ans", b"42\n")):
        objects.put(test_cases_prefix(_MARK) + name, content, content_type="text/plain")


def put_request(objects: ObjectStore, bucket: str, number: int) -> bytes:
    """Store a source, and return the message that asks for its grade."""
    request_id = f"{_MARK}-{number}"
    key = source_key(request_id, "py")
    objects.put(key, _SOURCE, content_type="text/plain")
    return GradingRequest(
        request_id=request_id,
        user_id="bench",
        problem_id=_MARK,
        language="python",
        source_file=str(ObjectUrl(bucket, key)),
        time_limit=1000,
        memory_limit=64,
        timestamp=datetime.now(UTC),
    ).to_json()


def _round_trip(producer: Connection, queue: str, body: bytes, consumer: Connection) -> None:
    producer.send(queue, body)
    frame = consumer.next_frame(_TIMEOUT_SECONDS)
    if frame is None:
        raise SystemExit(f"no answer from {queue} within {_TIMEOUT_SECONDS:g} s")
    consumer.ack(frame)
