"""
Finds the messages of a smoke test, also in queues that cannot be searched.

A broker gives a subscription with a selector the messages of one job. Amazon SQS gives any message
to any consumer, so there a test reads results from the bucket, and only then receives a few
messages: those of others are returned at once, and have been received once more.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from time import sleep

from gradectl.queues.broker import Broker, Watch
from gradectl.smoke.environment import SmokeJob
from grader.contract.names import RESULTS_QUEUE
from grader.ports.messages import QueuedMessage

POLL_SECONDS = 0.01
#: How long a queue that cannot be searched is received from, for one job: a few calls.
_SAMPLE_SECONDS = 2.0
#: Messages that are held to look for one with its headers.
MOST_HELD = 30


def watching(broker: Broker, job: SmokeJob) -> AbstractContextManager[Watch | None]:
    """Subscribe to the result message of a job for the block; None where that is impossible."""
    if broker.inspector.can_browse:
        return broker.watch(RESULTS_QUEUE, job.request_id)
    return nullcontext()


def take_or_pause(watch: Watch | None) -> bytes | None:
    """Wait a moment for the message of a subscription; without one, only pause."""
    if watch is not None:
        return watch.take(POLL_SECONDS)
    sleep(POLL_SECONDS)
    return None


def take_own(broker: Broker, queue: str, job: SmokeJob) -> bytes | None:
    """Take the message of a job from a queue that cannot be searched, if a few receives find it."""
    with broker.watch(queue, job.request_id) as watch:
        return watch.take(_SAMPLE_SECONDS)


@contextmanager
def sampled(broker: Broker, queue: str) -> Iterator[list[QueuedMessage]]:
    """Hold some messages of a queue that cannot be searched; they return after the block."""
    if broker.holder is None:
        yield []
        return
    with broker.holder.hold(queue, MOST_HELD) as messages:
        yield list(messages)
