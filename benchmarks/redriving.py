"""Messages per second of a redrive, with its plan, journal and transactions."""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path

from figures import Aim, Figure, Measured
from local_stack import Local

from gradectl.queues.inspection import inspect
from gradectl.queues.journal import open_journal
from gradectl.queues.mover import Transfer
from gradectl.queues.transfer import RedriveRules, redriven
from grader.adapters.activemq.connection import Connection

_MESSAGES = 2000
_BATCH = 100
_TIMEOUT_SECONDS = 60.0
_AIM = Aim(500, at_least=True)


def measure(local: Local) -> Measured:
    """Baseline: as many messages moved by bare transactions of one message, without a choice."""
    mark = f"bench-{secrets.token_hex(4)}"
    yield (
        "redrive_messages_per_second",
        Figure(_redrive(local, mark), "messages/s", _bare(local, mark), _MESSAGES, _AIM),
    )


def _redrive(local: Local, mark: str) -> float:
    source, target = f"{mark}-dead", f"{mark}-back"
    with local.broker() as connection:
        _fill(connection, source)
        connection.send(target, b"", {})  # makes the queue
    with local.target.broker() as broker, tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        found = inspect(broker.inspector, source)
        if found is None or not found.scan.complete:
            raise SystemExit(f"the queue {source} could not be read")
        plan = RedriveRules([target], target).plan(source, found.messages, found.now_ms)
        with open_journal(Path(folder), "bench") as journal:
            done = Transfer(redriven, watch_returns=True).run(plan, broker, journal)
        seconds = time.perf_counter() - started
    if done.taken != _MESSAGES:
        raise SystemExit(f"only {done.taken} of {_MESSAGES} messages were put back")
    return _MESSAGES / seconds


def _bare(local: Local, mark: str) -> float:
    source, target = f"{mark}-bare", f"{mark}-moved"
    with local.broker() as connection:
        _fill(connection, source)
        started = time.perf_counter()
        connection.subscribe(source)
        for _ in range(_MESSAGES):
            frame = connection.next_frame(_TIMEOUT_SECONDS)
            if frame is None:
                raise SystemExit(f"the queue {source} ended early")
            with connection.transaction() as transaction:
                transaction.send(target, frame.body)
                transaction.ack(frame.ack_id)
        return _MESSAGES / (time.perf_counter() - started)


def _fill(connection: Connection, queue: str) -> None:
    for start in range(0, _MESSAGES, _BATCH):
        with connection.transaction() as transaction:
            for number in range(start, start + _BATCH):
                transaction.send(queue, b'{"requestId": "bench-%d"}' % number)
