"""Following a queue shows new messages once, and says what it missed."""

from __future__ import annotations

from collections.abc import Callable

from gradectl.queues.tail import follow
from gradectl.queues.testing import MemoryBroker

QUEUE = "grading-results"


def followed(broker: MemoryBroker, *rounds: Callable[[], object]) -> list[tuple[bytes, int]]:
    """Follow the queue; each of `rounds` happens between two looks."""
    waiting = list(rounds)

    def pause() -> bool:
        if not waiting:
            return False
        waiting.pop(0)()
        return True

    return [(each.message.body, each.missed) for each in follow(broker, QUEUE, pause)]


def test_new_messages_are_shown_once() -> None:
    """Also several of one millisecond, and none that was there before."""
    broker = MemoryBroker()
    broker.send(QUEUE, b"before", {})

    def send(*bodies: bytes) -> None:
        for body in bodies:
            broker.send(QUEUE, body, {})

    found = followed(
        broker, lambda: send(b"1"), lambda: None, lambda: send(b"2", b"3"), lambda: send(b"4")
    )

    assert found == [(b"1", 0), (b"2", 0), (b"3", 0), (b"4", 0)]


def test_messages_that_were_consumed_unseen_are_counted() -> None:
    """With the next one that is seen."""
    broker = MemoryBroker()

    def send_three_and_consume_two() -> None:
        for body in (b"1", b"2", b"3"):
            broker.send(QUEUE, body, {})
        ids = [each.message_id for each in broker.messages(QUEUE)[:2]]
        broker.replace(QUEUE, ids, lambda _found: [])

    assert followed(broker, send_three_and_consume_two) == [(b"3", 2)]
