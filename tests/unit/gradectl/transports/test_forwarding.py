"""Tests for `gradectl.transports.forwarding`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from gradectl.queues.journal import open_journal
from gradectl.queues.testing import MemoryBroker
from gradectl.transports.forwarding import forward
from grader.errors import ConnectionLostError
from grader.ports.messages import Outgoing

RESULTS = "grading-results"


class Failing:
    """A recipient that stores the first batches, and then is lost."""

    def __init__(self, stored: int) -> None:
        self._left = stored

    def send_all(self, messages: Sequence[Outgoing]) -> None:  # noqa: ARG002 - the port's
        """Raise once the batches are used up."""
        if not self._left:
            raise ConnectionLostError("lost", where="sqs")
        self._left -= 1


def filled(count: int) -> MemoryBroker:
    """A broker with results."""
    broker = MemoryBroker()
    for number in range(count):
        broker.send(RESULTS, f"{number}".encode(), {"correlation-id": f"req_{number}"})
    return broker


def bodies(broker: MemoryBroker) -> list[int]:
    """The numbers of the results in a broker."""
    return sorted(int(each.body) for each in broker.messages(RESULTS))


def test_all_messages_are_in_the_other_transport_afterwards(tmp_path: Path) -> None:
    """More than a page, each once, with its headers and its first id."""
    old, new, seen = filled(450), MemoryBroker(), []
    first = old.messages(RESULTS)[0].message_id
    with open_journal(tmp_path, "switch") as journal:
        moved = forward(old, new, RESULTS, journal, seen.append)

    assert moved == 450
    assert seen[-1] == 450
    assert bodies(new) == list(range(450))
    assert not old.messages(RESULTS)
    headers = new.messages(RESULTS)[0].headers
    assert headers["correlation-id"] == "req_0"
    assert headers["x-gradectl-original-id"] == first


def test_an_empty_queue_needs_no_second_connection(tmp_path: Path) -> None:
    """The loop of a drain asks again and again."""
    with open_journal(tmp_path, "switch") as journal:
        assert forward(MemoryBroker(), MemoryBroker(), RESULTS, journal) == 0


def test_a_lost_transport_loses_no_message(tmp_path: Path) -> None:
    """What was not stored is still in the old one, and the journal has what was tried."""
    old = filled(150)
    with (
        open_journal(tmp_path, "switch") as journal,
        pytest.raises(ConnectionLostError, match="lost"),
    ):
        forward(old, Failing(stored=1), RESULTS, journal)

    assert bodies(old) == list(range(100, 150))
    events = [json.loads(line) for line in journal.path.read_text().splitlines()]
    assert sum(each["event"] == "taking" for each in events) == 150
    (taken,) = [each for each in events if each["event"] == "taken"]
    assert len(taken["message_ids"]) == 100
