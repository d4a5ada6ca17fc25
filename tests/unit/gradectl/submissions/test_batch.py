"""Many programs are submitted with few of them ungraded at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sample_results import completed, request

from gradectl.submissions.batch import Batch, Entry, unfinished
from gradectl.submissions.folder import Program
from grader.client.submission import Source
from grader.contract.messages import GradingResult
from grader.errors import NoResultError


def entries(count: int) -> list[Entry]:
    """Submissions with the ids req_0, req_1, ..."""
    made = []
    for number in range(count):
        source = Source("a.py", b"1")
        program = Program(f"sum/{number}.py", "sum", "python", source)
        made.append(Entry(program, request(f"req_{number}")))
    return made


class Workers:
    """Grades what was sent, one request in each pause."""

    def __init__(self) -> None:
        self.now = 0.0
        self.sent: list[str] = []
        self.graded: set[str] = set()
        self.most = 0
        self.told: list[tuple[str, str]] = []
        self.broken = False
        self.on_send: Callable[[], None] = lambda: None

    def send(self, entry: Entry) -> None:
        """Take a request."""
        self.on_send()
        self.sent.append(entry.request.request_id)
        self.most = max(self.most, len(set(self.sent) - self.graded))

    def find(self, request_id: str) -> GradingResult | None:
        """Read a result."""
        if request_id not in self.graded:
            return None
        return completed(request_id)

    def pause(self, seconds: float) -> None:
        """Grade the oldest request."""
        self.now += seconds
        left = [each for each in self.sent if each not in self.graded]
        if left and not self.broken:
            self.graded.add(left[0])

    def batch(self) -> Batch:
        """A batch for these workers."""
        return Batch(
            self.send,
            self.find,
            lambda entry: self.told.append((entry.request.request_id, entry.state)),
            most=3,
            pause=self.pause,
            clock=lambda: self.now,
        )


def test_few_requests_are_without_a_result_at_a_time() -> None:
    """So that a folder of thousands does not stand before the submissions of others."""
    workers, all_ = Workers(), entries(10)

    workers.batch().run(all_, wait=True)

    assert workers.most == 3
    assert [each.state for each in all_] == ["completed"] * 10
    assert len(workers.sent) == len(set(workers.sent)) == 10
    assert workers.told[0] == ("req_0", "sent")
    assert workers.told[-1] == ("req_9", "completed")


def test_a_repeated_batch_sends_only_what_has_no_result() -> None:
    """The results of the others are shown."""
    workers, all_ = Workers(), entries(4)
    workers.graded = {"req_0", "req_2"}

    workers.batch().run(all_, wait=False)

    assert workers.sent == ["req_1", "req_3"]
    assert [each.state for each in all_] == ["completed", "sent", "completed", "sent"]
    assert list(unfinished(all_)) == ["req_1", "req_3"]


def test_workers_that_stop_end_the_wait() -> None:
    """The time counts from the last result."""
    workers, all_ = Workers(), entries(2)
    workers.broken = True

    with pytest.raises(NoResultError) as caught:
        workers.batch().run(all_, wait=True)

    assert caught.value.exit_code == 124
    assert workers.now == pytest.approx(300.0, abs=2.0)
    assert list(unfinished(all_)) == ["req_0", "req_1"]


def test_an_interruption_leaves_what_was_sent_known() -> None:
    """The request that was being sent counts as not sent: it is sent again, with the same id."""
    workers, all_ = Workers(), entries(5)

    def interrupt() -> None:
        if len(workers.sent) == 2:
            raise KeyboardInterrupt

    workers.on_send = interrupt

    with pytest.raises(KeyboardInterrupt):
        workers.batch().run(all_, wait=False)

    assert [each.state for each in all_] == ["sent", "sent", "not sent", "not sent", "not sent"]
    assert list(unfinished(all_)) == ["req_0", "req_1"]
