"""A planned transfer is carried out batch by batch, with a journal."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from gradectl.errors import ConfigurationError
from gradectl.queues.inspection import inspect
from gradectl.queues.journal import Journal, open_journal
from gradectl.queues.mover import Progress, Transfer
from gradectl.queues.testing import MemoryBroker
from gradectl.queues.transfer import Move, RedriveRules, TransferPlan, plan_move, redriven
from grader.contract.names import QUEUES
from grader.errors import ConnectionLostError

DLQ, REQUESTS = "grading-dlq", "grading-requests"
FROM = {"x-gradectl-original-queue": REQUESTS}


def filled(count: int, broker: MemoryBroker | None = None) -> MemoryBroker:
    """A broker with dead letters."""
    broker = broker or MemoryBroker(page_size=10_000)
    for number in range(count):
        broker.send(DLQ, json.dumps({"requestId": f"req_{number}"}).encode(), FROM)
    return broker


def planned(broker: MemoryBroker) -> TransferPlan:
    """Everything goes back."""
    found = inspect(broker, DLQ)
    assert found is not None
    return RedriveRules(QUEUES).plan(DLQ, found.messages, found.now_ms)


def run(transfer: Transfer, broker: MemoryBroker, folder: Path) -> Progress:
    with open_journal(folder, "test") as journal:
        return transfer.run(planned(broker), broker, journal)


def events(folder: Path) -> list[dict[str, object]]:
    (file,) = folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    return [json.loads(line) for line in file.read_text().splitlines()]


def test_each_message_goes_back_once_and_is_in_the_journal(tmp_path: Path) -> None:
    """Whole, before its transaction, and as taken after it."""
    broker = filled(250)

    progress = run(Transfer(redriven), broker, tmp_path / "new")

    assert (progress.taken, progress.gone, progress.stopped) == (250, 0, "")
    assert broker.messages(DLQ) == []
    assert len({each.body for each in broker.messages(REQUESTS)}) == 250
    journal = events(tmp_path / "new")
    taking = [each for each in journal if each["event"] == "taking"]
    taken = [name for each in journal if each["event"] == "taken" for name in each["message_ids"]]
    assert [each["message_id"] for each in taking] == taken
    assert taking[0]["body_base64"]


def test_messages_taken_by_others_meanwhile_are_counted(tmp_path: Path) -> None:
    """They are gone, and no error."""
    broker = filled(3)
    plan = planned(broker)
    broker.replace(DLQ, [plan.moves[1].view.message_id], lambda _found: [])

    with open_journal(tmp_path, "test") as journal:
        progress = Transfer(redriven).run(plan, broker, journal)

    assert (progress.taken, progress.gone, progress.done) == (2, 1, 3)


def test_it_stops_when_messages_come_straight_back(tmp_path: Path) -> None:
    """A worker that fails them at once would move them in circles."""
    broker = MemoryBroker(page_size=10_000)

    def fail(queue: str, _body: bytes) -> None:
        for message in broker.messages(queue) if queue == REQUESTS else ():
            broker.replace(queue, [message.message_id], lambda _found: [])
            broker.send(DLQ, message.body, message.headers)

    filled(500, broker)
    broker.on_send = fail

    progress = run(Transfer(redriven, watch_returns=True), broker, tmp_path)

    assert progress.stopped == "the messages come straight back"
    assert progress.taken == 100
    assert len(broker.messages(DLQ)) == 500


def test_a_few_that_come_back_do_not_stop_it(tmp_path: Path) -> None:
    """Some are wrong for good."""
    broker = MemoryBroker(page_size=10_000)

    def fail_some(queue: str, body: bytes) -> None:
        if queue == REQUESTS and body.endswith(b'0"}'):
            (message,) = (each for each in broker.messages(queue) if each.body == body)
            broker.send(DLQ, body, message.headers)

    filled(300, broker)
    broker.on_send = fail_some

    progress = run(Transfer(redriven, watch_returns=True), broker, tmp_path)

    assert (progress.taken, progress.came_back, progress.stopped) == (300, 30, "")


def test_a_rate_bounds_the_messages_of_a_second(tmp_path: Path) -> None:
    """The time that the broker took counts."""
    pauses: list[float] = []
    times = iter([0.0, 0.25, 1.0, 1.25, 2.0, 2.25])
    transfer = Transfer(redriven, rate=10, pause=pauses.append, clock=lambda: next(times))

    progress = run(transfer, filled(30), tmp_path)

    assert progress.taken == 30
    assert pauses == [0.75, 0.75]


def test_each_batch_is_prepared_before_it_is_taken(tmp_path: Path) -> None:
    """Rows of the database are reopened first: a lost row is harmless, a stale one is not."""
    broker = filled(150)
    seen: list[tuple[int, int]] = []

    def prepare(moves: Sequence[Move]) -> None:
        seen.append((len(moves), len(broker.messages(DLQ))))

    run(Transfer(redriven, prepare=prepare), broker, tmp_path)

    assert seen == [(100, 150), (50, 50)]


def test_a_lost_connection_leaves_the_rest_where_it_was(tmp_path: Path) -> None:
    """The same command goes on."""

    class Failing(MemoryBroker):
        calls = 0

        def replace(self, *arguments: object) -> list[str]:
            """Fail the second time."""
            self.calls += 1
            if self.calls == 2:
                raise ConnectionLostError("gone", where="broker")
            return super().replace(*arguments)  # type: ignore[arg-type]  # passed on

    broker = filled(250, Failing(page_size=10_000))

    with pytest.raises(ConnectionLostError):
        run(Transfer(redriven), broker, tmp_path / "a")
    assert (len(broker.messages(DLQ)), len(broker.messages(REQUESTS))) == (150, 100)
    run(Transfer(redriven), broker, tmp_path / "b")

    assert len({each.body for each in broker.messages(REQUESTS)}) == 250


def test_without_a_journal_nothing_is_taken() -> None:
    """A full disk."""
    broker = filled(5)
    plan = plan_move(DLQ, broker.messages(DLQ), 0, "")

    full = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(ConfigurationError) as raised:
        Transfer().run(plan, broker, Journal(Path("/dev/full"), full))
    os.close(full)

    assert "No space left" in raised.value.what
    assert len(broker.messages(DLQ)) == 5
