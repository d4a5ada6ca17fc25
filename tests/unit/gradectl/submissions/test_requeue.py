"""A requeue changes the row first, and then sends exactly one message."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sample_results import completed, failed
from unsearchable_queues import UnsearchableBroker

from gradectl.errors import GradectlError, RefusedError, TryAgainError
from gradectl.queues.journal import open_journal
from gradectl.queues.testing import MemoryBroker
from gradectl.submissions.lookup import LookupResult, look_up, request_state
from gradectl.submissions.requeue import RequeuePlan, RequeueRules, RowStep, carry_out
from gradectl.submissions.submitted import submitted_request
from grader.client.submission import Limits, Source, make_request, upload_source
from grader.contract.bucket import result_key
from grader.contract.messages import GradingResult
from grader.contract.names import QUEUES
from grader.ports.jobs import DEFAULT_LEASE, Claim, Granted
from grader.testing import MemoryJobStore, MemoryObjectStore

NOW = datetime(2024, 8, 20, 12, 0, 15, tzinfo=UTC)
SOURCE = Source("a.py", b"print(1)")
REQUEST = make_request(
    bucket="b",
    problem_id="sum",
    language="python",
    source=SOURCE,
    limits=Limits(),
    user_id="u",
    request_id="req_1",
)
DONE, FAILED = completed(), failed()
DEAD = {
    "x-gradectl-original-queue": "grading-priority",
    "x-gradectl-reason-code": "INTERNAL_ERROR",
    "x-gradectl-attempt": "6",
}


@dataclass
class System:
    """A system in memory whose time the test moves; the source of req_1 was submitted."""

    folder: Path
    now: datetime = NOW
    store: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    broker: MemoryBroker = field(default_factory=MemoryBroker)

    def __post_init__(self) -> None:
        """Submit, without sending."""
        self.jobs = MemoryJobStore(now=lambda: self.now)
        upload_source(self.store, REQUEST, SOURCE)

    def claim(self, message_id: str = "ID:1", worker: str = "w") -> Any:
        return self.jobs.claim(Claim(REQUEST, message_id, "grading-priority", worker))

    def finish(self, result: GradingResult, attempt: int = 1) -> None:
        """Store a result, as a worker does."""
        self.store.put(result_key("req_1"), result.to_json(), content_type="application/json")
        assert self.jobs.finish(result, attempt=attempt)

    def look_up(self) -> LookupResult:
        return look_up(
            "req_1",
            self.store,
            lambda: nullcontext(self.jobs),
            lambda: nullcontext(self.broker),
            open_scheduler=lambda: nullcontext(self.broker),
            everywhere=True,
        )

    def plan(self, **rules: Any) -> RequeuePlan:
        read_request = partial(submitted_request, self.store, "req_1")
        return RequeueRules(QUEUES, **rules).plan(self.look_up(), read_request, self.now)

    def requeue(self, **rules: Any) -> RequeuePlan:
        """Plan and carry out."""
        plan = self.plan(**rules)
        with open_journal(self.folder, "requeue") as journal:
            carry_out(plan, self.jobs, self.broker, journal)
        return plan

    def sent(self) -> list[tuple[str, bytes, dict[str, str]]]:
        """The request messages in the queues."""
        return [
            (queue, each.body, dict(each.headers))
            for queue in ("grading-requests", "grading-priority")
            for each in self.broker.messages(queue)
        ]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return System(tmp_path)


def test_a_request_that_was_never_sent_is_made_from_its_metadata(system: System) -> None:
    """It is the request that the submission made."""
    plan = system.requeue()

    ((queue, body, headers),) = system.sent()
    assert (plan.row, queue) == (RowStep.KEEP, "grading-requests")
    assert body == REQUEST.to_json()
    assert headers["correlation-id"] == "req_1"
    assert system.plan().steps == []
    assert system.plan().present == "grading-requests"


def test_the_request_of_a_dead_worker_is_claimed_at_once(system: System) -> None:
    """As the next attempt, in the queue that it came from; the crash does not count."""
    system.claim()
    system.now += DEFAULT_LEASE + timedelta(seconds=1)

    plan = system.requeue()

    ((queue, _, headers),) = system.sent()
    assert (plan.row, queue) == (RowStep.RELEASE, "grading-priority")
    assert headers["x-gradectl-attempt"] == "1"
    assert system.claim("ID:new", "other") == Granted(2)


def test_a_request_is_not_taken_from_a_worker_that_renews_its_claim(system: System) -> None:
    """Unless forced; its result then counts only where no other attempt has begun."""
    system.claim()
    system.now += timedelta(minutes=1)

    with pytest.raises(RefusedError, match="worker w has attempt 1, claimed 1m ago") as refused:
        system.requeue()
    assert "another 2m" in str(refused.value)
    assert system.sent() == []

    system.requeue(force=True)
    system.jobs.renew("w", ["req_1"], DEFAULT_LEASE)
    assert system.claim("ID:new", "other") == Granted(2)
    assert not system.jobs.finish(DONE, attempt=1)


def test_the_message_of_a_running_job_does_not_wait(system: System) -> None:
    """It stays in its queue until it is acknowledged; when forced, a second one is sent."""
    system.broker.send("grading-priority", REQUEST.to_json(), {"correlation-id": "req_1"})
    system.claim(system.broker.messages("grading-priority")[0].message_id)

    with pytest.raises(RefusedError, match="worker w has attempt 1"):
        system.requeue()
    assert len(system.sent()) == 1

    assert system.requeue(force=True).row is RowStep.RELEASE
    assert [queue for queue, _, _ in system.sent()] == ["grading-priority"] * 2
    assert system.requeue(force=True).steps == []
    assert system.claim("ID:second", "other") == Granted(2)
    assert not system.jobs.finish(DONE, attempt=1)


def test_the_message_of_a_dead_worker_waits_when_its_claim_has_ended(system: System) -> None:
    """The broker delivers it again, so it is left alone."""
    system.broker.send("grading-priority", REQUEST.to_json(), {"correlation-id": "req_1"})
    system.claim(system.broker.messages("grading-priority")[0].message_id)
    system.now += DEFAULT_LEASE + timedelta(seconds=1)

    assert system.requeue().steps == []
    assert len(system.sent()) == 1


def test_a_dead_letter_is_put_back_without_its_old_failure(system: System) -> None:
    """Only the newest one; others, and dead letters of other requests, stay."""
    system.claim()
    system.finish(FAILED)
    for number in ("old", "new"):
        system.broker.send("grading-dlq", REQUEST.to_json(), {**DEAD, "x-note": number})
    system.broker.send("grading-dlq", b'{"requestId": "req_2"}', DEAD)

    plan = system.requeue()

    ((queue, body, headers),) = system.sent()
    assert (plan.row, queue, body) == (RowStep.REOPEN, "grading-priority", REQUEST.to_json())
    assert headers["x-gradectl-redrives"] == "1"
    assert "x-gradectl-attempt" not in headers
    assert len(system.broker.messages("grading-dlq")) == 2
    assert system.claim("ID:new") == Granted(1)


def test_an_old_dead_letter_of_a_dead_worker_is_claimed_at_once_too(system: System) -> None:
    """Its request was sent again since, and that message is lost: the crashes do not count."""
    for _ in range(3):
        system.claim()
    system.now += DEFAULT_LEASE + timedelta(seconds=1)
    system.broker.send("grading-dlq", REQUEST.to_json(), DEAD)

    plan = system.requeue()

    ((_, _, headers),) = system.sent()
    assert plan.row is RowStep.RELEASE
    assert headers["x-gradectl-attempt"] == "3"
    assert system.claim("ID:new", "other") == Granted(4)


def test_a_dead_letter_that_came_back_three_times_stays(system: System) -> None:
    """As in a redrive."""
    system.broker.send("grading-dlq", REQUEST.to_json(), {**DEAD, "x-gradectl-redrives": "3"})

    with pytest.raises(RefusedError, match="--force"):
        system.requeue()
    system.requeue(force=True)

    assert len(system.sent()) == 1


@pytest.mark.parametrize("has_row", [True, False])
def test_a_verdict_is_kept_unless_asked_for(system: System, has_row: bool) -> None:
    """Objects outlive rows, so the bucket counts too; afterwards the state says what comes."""
    system.claim()
    system.finish(DONE)
    if not has_row:
        system.jobs.delete("req_1")

    with pytest.raises(RefusedError, match="it has a verdict"):
        system.requeue()
    assert system.sent() == []

    system.requeue(again=True)
    assert len(system.sent()) == 1
    assert request_state(system.look_up()).endswith(", to be graded again")
    assert system.claim("ID:new") == Granted(1)


def test_a_message_that_waits_is_not_doubled(system: System) -> None:
    """Neither in a queue nor delayed; only an old failure is in its way."""
    system.broker.send("grading-requests", REQUEST.to_json(), {"AMQ_SCHEDULED_DELAY": "60000"})
    system.claim()
    assert system.requeue().steps == []

    system.finish(FAILED)
    assert system.requeue().row is RowStep.REOPEN
    assert system.sent() == []
    assert system.jobs.get("req_1") is None


def test_without_metadata_there_is_nothing_to_send(system: System) -> None:
    """The error says how to send a request by hand."""
    system.store.objects.pop("submissions/req_1/metadata.json")

    with pytest.raises(GradectlError, match="cannot be made anew") as error:
        system.plan()
    assert "gradectl queue send" in error.value.next_step


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (REQUEST.to_json().replace(b"req_1", b"req_2"), "has the request id 'req_2'"),
        (b"{", "cannot be made anew: "),
        (b" " * (2 << 20), "cannot be made anew: "),
    ],
    ids=["of another", "broken", "too large"],
)
def test_metadata_is_checked_only_where_a_message_is_made_of_it(
    system: System, content: bytes, why: str
) -> None:
    """It is never sent under another id; a message or a dead letter needs none."""
    system.store.objects["submissions/req_1/metadata.json"] = content

    with pytest.raises(GradectlError, match=why) as error:
        system.plan()
    assert "gradectl queue send" in error.value.next_step

    system.broker.send("grading-dlq", REQUEST.to_json(), DEAD)
    system.requeue()
    assert len(system.sent()) == 1
    assert system.requeue().steps == []


def test_nothing_is_sent_when_the_row_changed_after_the_plan(system: System) -> None:
    """Another worker may have claimed it meanwhile; the journal has the row that was seen."""
    system.claim()
    system.now += DEFAULT_LEASE + timedelta(seconds=1)
    plan = system.plan()
    system.claim("ID:2", "other")

    with (
        pytest.raises(TryAgainError),
        open_journal(system.folder, "requeue") as journal,
    ):
        carry_out(plan, system.jobs, system.broker, journal)

    assert system.sent() == []
    (line,) = next(system.folder.glob("*.ndjson")).read_text().splitlines()
    assert json.loads(line)["event"] == "changing row"


@pytest.fixture
def on_sqs(tmp_path: Path) -> System:
    """A system whose queues cannot be searched, with a message of another request in each."""
    system = System(tmp_path, broker=UnsearchableBroker())
    for queue in ("grading-requests", "grading-dlq"):
        system.broker.send(queue, b"theirs", {})
    return system


def test_a_failed_request_is_sent_anew_where_queues_cannot_be_searched(on_sqs: System) -> None:
    """It has a result, so no message of it waits; its dead letter stays."""
    on_sqs.claim()
    on_sqs.finish(FAILED)

    plan = on_sqs.requeue()

    assert plan.row is RowStep.REOPEN
    assert [(queue, json.loads(body)["requestId"]) for queue, body, _ in on_sqs.sent()[1:]] == [
        ("grading-priority", "req_1")
    ]
    assert [each.body for each in on_sqs.broker.messages("grading-dlq")] == [b"theirs"]


def test_a_request_that_may_wait_on_sqs_needs_force(on_sqs: System) -> None:
    """A second message is not graded twice, so this is allowed."""
    with pytest.raises(RefusedError, match="Amazon SQS cannot be searched") as refused:
        on_sqs.plan()
    assert "--force" in refused.value.next_step

    on_sqs.requeue(force=True)

    assert len(on_sqs.sent()) == 2
