"""The messages of a rejudging that wait in the queue."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradectl.queues.broker import Broker, Holder, Inspector
from gradectl.rejudging.request import PRIORITY
from gradectl.rejudging.selection import batches
from grader.contract.messages import readable_request_id
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.rejudging import rejudging_of
from grader.ports.messages import MOST_REPLACED, QueuedMessage


def queued_messages(inspector: Inspector, name: str) -> Mapping[str, str]:
    """
    Return request id and message id of the messages of a rejudging.

    Behind many others, the broker may not show them, and Amazon SQS shows none: what is sent twice
    is graded once.
    """
    if not inspector.can_browse:
        return {}
    return {
        readable_request_id(each.body) or "": each.message_id for each in _messages(inspector, name)
    }


def remove_queued(broker: Broker, name: str) -> int:
    """
    Consume the messages of a rejudging, also two of one request; returns their number.

    In a queue of SQS some are received, and those of others return to it at once.
    """
    if broker.holder is not None:
        return _remove_held(broker, broker.holder, name)
    message_ids = [each.message_id for each in _messages(broker.inspector, name)]
    removed = 0
    if message_ids:
        with broker.mover() as mover:
            for some in batches(message_ids, MOST_REPLACED):
                removed += len(mover.replace(REQUESTS_QUEUE, some, lambda _messages: ()))
    return removed


def _remove_held(broker: Broker, holder: Holder, name: str) -> int:
    if REQUESTS_QUEUE not in broker.inspector.statistics([REQUESTS_QUEUE]):
        return 0
    with holder.hold(REQUESTS_QUEUE, MOST_REPLACED) as messages, broker.mover() as mover:
        own = [each.message_id for each in messages if _is_of(each, name)]
        return len(mover.replace(REQUESTS_QUEUE, own, lambda _messages: ())) if own else 0


def _is_of(message: QueuedMessage, name: str) -> bool:
    return rejudging_of(message.headers, message.body) == name


def _messages(inspector: Inspector, name: str) -> Iterator[QueuedMessage]:
    if REQUESTS_QUEUE in inspector.statistics([REQUESTS_QUEUE]):
        for each in inspector.browse(REQUESTS_QUEUE, f"JMSPriority = {PRIORITY}"):
            if _is_of(each, name):
                yield each
