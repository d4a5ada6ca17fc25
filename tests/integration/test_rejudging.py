"""Rejudging on a real database; the workers are steps of the test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from gradectl.errors import GradectlError, TryAgainError
from gradectl.local.testing import RunningDatabase
from gradectl.queues.testing import MemoryBroker
from gradectl.rejudging.grading import Grading, Progress, Services
from gradectl.rejudging.queued import queued_messages, remove_queued
from gradectl.rejudging.request import KnownLimits
from gradectl.rejudging.results import Acceptance, compare, remove_results
from gradectl.rejudging.selection import select_jobs
from gradectl.rejudging.state_file import create_state, open_state
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.finished import MysqlFinishedJobs
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.mysql.table import JOBS
from grader.contract.bucket import execution_log_key, metadata_key, result_key, source_key
from grader.contract.messages import Failure, Grade, GradingRequest, GradingResult, JobResult
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.rejudging import rejudging_of
from grader.contract.verdicts import ErrorCode, Status, Verdict
from grader.migrations import migrate
from grader.ports.finished import JobConditions
from grader.ports.jobs import DEFAULT_LEASE, Claim
from grader.testing import MemoryObjectStore

pytestmark = pytest.mark.engine
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def request(request_id: str, user_id: str = "ann", **changes: str) -> GradingRequest:
    usual = {
        "request_id": request_id,
        "user_id": user_id,
        "problem_id": "sum",
        "language": "python",
        "source_file": f"s3://bucket/{source_key(request_id, 'py')}",
        "time_limit": 1000,
        "memory_limit": 64,
        "timestamp": NOW,
    }
    return GradingRequest.model_validate({**usual, **changes}, by_name=True)


def graded(request_id: str, verdict: Verdict, score: int) -> GradingResult:
    grade = Grade(verdict=verdict, score=score, execution_time=1, memory_usage=1)
    return GradingResult(
        request_id=request_id,
        status=Status.COMPLETED,
        result=grade,
        result_file=f"s3://bucket/{result_key(request_id)}",
        timestamp=NOW,
    )


def failed(request_id: str, code: ErrorCode) -> GradingResult:
    error = Failure(code=code, message="why")
    return GradingResult(request_id=request_id, status=Status.FAILED, error=error, timestamp=NOW)


@dataclass
class World:
    """A table of jobs, a bucket, the queues, and a worker that is a method."""

    engine: Engine
    folder: Path
    objects: MemoryObjectStore = field(default_factory=MemoryObjectStore)
    broker: MemoryBroker = field(default_factory=MemoryBroker)
    moment: datetime = NOW
    most_queued: int = 0

    def __post_init__(self) -> None:
        """Open the tables."""
        self.jobs = MysqlJobStore(self.engine, now=self.now)
        self.finished = MysqlFinishedJobs(self.engine, now=self.now)

    def now(self) -> datetime:
        """A later time at each call."""
        self.moment += timedelta(seconds=1)
        return self.moment.replace(tzinfo=None)

    def submit(self, request_id: str, result: GradingResult | None = None, **changes: str) -> None:
        """A submission that was graded; WA by default."""
        found = request(request_id, **changes)
        self.objects.objects[metadata_key(request_id)] = found.to_json()
        result = result or graded(request_id, Verdict.WRONG_ANSWER, 0)
        self.store(found, result)

    def store(self, found: GradingRequest, result: GradingResult) -> None:
        self.jobs.claim(Claim(found, f"ID:{found.request_id}", REQUESTS_QUEUE, "worker"))
        self.jobs.finish(result, attempt=1)
        self.objects.objects[result_key(found.request_id)] = result.to_json()
        self.objects.objects[execution_log_key(found.request_id)] = b"log of " + (
            found.request_id.encode()
        )

    def work(
        self, result: Callable[[str], GradingResult] | None = None, *, marked: bool = True
    ) -> None:
        """Grade all requests of the queue; AC by default."""
        messages = self.broker.messages(REQUESTS_QUEUE)
        self.most_queued = max(self.most_queued, len(messages))
        for message in messages:
            found = GradingRequest.from_json(message.body)
            self.broker.take(REQUESTS_QUEUE, found.request_id)
            new = result(found.request_id) if result else None
            new = new or graded(found.request_id, Verdict.ACCEPTED, 100)
            name = rejudging_of(message.headers, message.body) if marked else None
            self.store(found, new.model_copy(update={"rejudging": name}))

    def begin(self, name: str = "again", conditions: JobConditions | None = None) -> None:
        """Select."""
        header = {"name": name, "given": {}, "started_at": "now"}
        found = select_jobs(self.finished, conditions or JobConditions(), None)
        create_state(self.folder, header, found)

    def grade(
        self,
        work: Callable[[], None] | None = None,
        *,
        limits: KnownLimits | None = None,
        in_flight: int | None = None,
        clock: Callable[[], float] = lambda: 0.0,
        name: str = "again",
    ) -> Progress:
        """Run the second grading; the worker works while it waits."""
        services = Services("bucket", self.objects, self.finished, self.broker, self.broker)
        with open_state(self.folder, name, changing=True) as state:
            return Grading(
                services,
                state,
                limits=limits,
                in_flight=in_flight,
                pause=lambda _seconds: (work or self.work)(),
                clock=clock,
                now=lambda: self.moment,
            ).run()

    def remove(self) -> int:
        """Delete what `again` stored."""
        return remove_results(self.finished, self.objects, "again", now=lambda: self.moment)

    def take(self, request_id: str = "a.rejudge.again") -> None:
        """A worker takes a request, whose message is gone."""
        found = request(request_id, "rejudge.again")
        self.jobs.claim(Claim(found, "ID:1", REQUESTS_QUEUE, "worker"))

    def rows(self) -> dict[str, JobResult | None]:
        """The results in the table."""
        with self.engine.connect() as connection:
            ids = [row[0] for row in connection.execute(JOBS.select())]
        return {key: row.result for key, row in self.finished.records(ids).items()}


@pytest.fixture(scope="module")
def engine(mariadb: RunningDatabase) -> Iterator[Engine]:
    """A migrated database for the tests of this file."""
    schema = "rejudging_tests"
    server = open_engine(
        lambda: DatabaseLogin(mariadb.endpoint, "mysql", mariadb.user, mariadb.password)
    )
    with server.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {schema}")
    found = open_engine(
        lambda: DatabaseLogin(mariadb.endpoint, schema, mariadb.user, mariadb.password)
    )
    migrate(found)
    yield found
    found.dispose()
    with server.connect() as connection:
        connection.exec_driver_sql(f"DROP DATABASE {schema}")
    server.dispose()


@pytest.fixture
def world(engine: Engine, tmp_path: Path) -> World:
    """An empty table and bucket."""
    with engine.connect() as connection:
        connection.execute(JOBS.delete())
    return World(engine, tmp_path)


def selected(world: World, **conditions: object) -> list[str]:
    found = JobConditions(**conditions)
    return [job.request_id for job in select_jobs(world.finished, found, None)]


def test_jobs_are_selected_by_each_condition(world: World) -> None:
    """All of them must hold; running requests and those of a rejudging are never selected."""
    world.submit("a")
    world.submit("b", graded("b", Verdict.ACCEPTED, 100), language="c", user_id="bob")
    world.submit("c", failed("c", ErrorCode.CHECKER_FAILED), problem_id="other")
    world.submit("a.rejudge.before")
    world.jobs.claim(Claim(request("d"), "ID:d", REQUESTS_QUEUE, "worker"))
    with world.engine.connect() as connection:
        times = {row.request_id: row.created_at for row in connection.execute(JOBS.select())}
    second = times["b"].replace(tzinfo=UTC)

    assert selected(world) == ["a", "b", "c"]
    assert selected(world, problems=("sum",)) == ["a", "b"]
    assert selected(world, languages=("c", "cpp")) == ["b"]
    assert selected(world, users=("ann",), problems=("sum",)) == ["a"]
    assert selected(world, outcomes=("WA", "CHECKER_FAILED")) == ["a", "c"]
    assert selected(world, since=second) == ["b", "c"]
    assert selected(world, until=second) == ["a"]
    named = select_jobs(world.finished, JobConditions(outcomes=("WA",)), ["b", "a", "x", "d"])
    assert [job.request_id for job in named] == ["a"]


def test_jobs_are_read_in_pages(world: World) -> None:
    """None is missing or twice, whatever the size of a page."""
    names = [f"r{number}" for number in range(7)]
    for name in names:
        world.submit(name)

    pages, after = [], ""
    while page := world.finished.page(JobConditions(), after, 3):
        pages.append([job.request_id for job in page])
        after = page[-1].request_id

    assert [len(page) for page in pages] == [3, 3, 1]
    assert [name for page in pages for name in page] == names


def test_workers_that_do_not_know_rejudgings_get_one_request(world: World) -> None:
    """They send its result to the web tier; the others are not sent."""
    for name in "abc":
        world.submit(name)
    world.begin()

    with pytest.raises(GradectlError, match="does not know rejudgings"):
        world.grade(lambda: world.work(marked=False), in_flight=3)

    assert world.most_queued == 1
    assert sorted(world.rows()) == ["a", "a.rejudge.again", "b", "c"]
    assert world.broker.messages(REQUESTS_QUEUE) == []


@pytest.mark.parametrize(
    ("in_flight", "consumers", "most"), [(None, 4, 2), (None, 0, 1), (3, 0, 3)]
)
def test_only_a_few_requests_are_in_the_queue(
    world: World, in_flight: int | None, consumers: int, most: int
) -> None:
    """Half of the consumers by default; the first one alone."""
    for number in range(9):
        world.submit(f"r{number}")
    world.begin()
    seen: list[int] = []

    def work() -> None:
        seen.append(len(world.broker.messages(REQUESTS_QUEUE)))
        world.work()

    with ExitStack() as stack:
        for _ in range(consumers):
            stack.enter_context(world.broker.watch(REQUESTS_QUEUE, "none"))
        progress = world.grade(work, in_flight=in_flight)

    assert progress.graded == 9
    assert (seen[0], max(seen)) == (1, most)


def test_an_interrupted_grading_goes_on_and_sends_nothing_twice(world: World) -> None:
    """What is graded, what waits in the queue, and what a worker has, are known."""
    for name in "abcd":
        world.submit(name)
    world.begin()
    rounds = iter([world.work, None])

    def stop_in_second_round() -> None:
        step = next(rounds)
        if step is None:
            raise KeyboardInterrupt
        step()

    with pytest.raises(KeyboardInterrupt):
        world.grade(stop_in_second_round, in_flight=2)
    waiting = world.broker.messages(REQUESTS_QUEUE)
    assert len(waiting) == 2
    taken = GradingRequest.from_json(waiting[0].body)
    world.broker.take(REQUESTS_QUEUE, taken.request_id)
    world.jobs.claim(Claim(taken, "ID:taken", REQUESTS_QUEUE, "worker"))
    sent: list[str] = []
    world.broker.on_send = lambda _queue, body: sent.append(json.loads(body)["requestId"])

    def work() -> None:
        world.jobs.finish(
            graded(taken.request_id, Verdict.ACCEPTED, 100).model_copy(
                update={"rejudging": "again"}
            ),
            attempt=1,
        )
        world.work()

    progress = world.grade(work, in_flight=9)

    assert progress.graded == 4
    assert sent == ["d.rejudge.again"]


def test_a_lost_message_is_sent_again(world: World) -> None:
    """Such as one that an operator purged: neither in the queue nor in the table."""
    world.submit("a")
    world.begin()
    ticks = iter(range(0, 100_000, 10))
    steps = iter([lambda: remove_queued(world.broker, "again")])

    progress = world.grade(
        lambda: next(steps, world.work)() and None, clock=lambda: float(next(ticks))
    )

    assert progress.graded == 1


def test_submissions_without_limits_are_held_back_until_these_are_given(world: World) -> None:
    """The same command with limits goes on."""
    world.submit("a")
    world.submit("b")
    del world.objects.objects[metadata_key("b")]
    world.objects.objects[source_key("b", "py")] = b"print()"
    world.begin()

    first = world.grade()
    with open_state(world.folder, "again") as state:
        assert "its limits are unknown" in compare(world.finished, state).held_back["b"]
        assert state.state == "grading"
    second = world.grade(limits=KnownLimits(1000, 64))

    assert (first.graded, first.held_back) == (1, 1)
    assert (second.graded, second.held_back) == (2, 0)


def test_failures_of_the_problem_are_graded_again_and_never_accepted(world: World) -> None:
    """A verdict is not replaced by a failure."""
    world.submit("a")
    world.submit("b")
    world.begin()
    first = world.grade(lambda: world.work(lambda each: failed(each, ErrorCode.PROBLEM_INVALID)))
    with open_state(world.folder, "again") as state:
        comparison = compare(world.finished, state)
        assert sorted(comparison.failures) == ["a", "b"]
        assert (comparison.graded, comparison.changes, state.state) == (0, [], "grading")

    second = world.grade(
        lambda: world.work(
            lambda each: (
                failed(each, ErrorCode.PROBLEM_INVALID)
                if each.startswith("a")
                else graded(each, Verdict.ACCEPTED, 100)
            )
        )
    )
    with open_state(world.folder, "again", changing=True) as state:
        Acceptance(world.finished, world.objects, "bucket").run(state)
        assert state.kept == {"a": "the second grading failed: PROBLEM_INVALID"}

    assert [(each.graded, each.failed) for each in (first, second)] == [(0, 2), (1, 1)]
    assert outcomes(world) == {"a": "WA", "b": "AC"}


def outcomes(world: World) -> dict[str, str]:
    """The verdicts in the table."""
    jobs = select_jobs(world.finished, JobConditions(), None)
    return {job.request_id: job.outcome for job in jobs}


def test_a_result_that_changed_meanwhile_is_not_replaced(world: World) -> None:
    """Such as that of another rejudging, accepted after this one had begun."""
    world.submit("a")
    world.submit("b")
    world.begin()
    world.begin("other")
    world.grade()
    world.grade(name="other")
    with open_state(world.folder, "other", changing=True) as state:
        Acceptance(world.finished, world.objects, "bucket").run(state)
    world.jobs.delete("b")

    with open_state(world.folder, "again", changing=True) as state:
        Acceptance(world.finished, world.objects, "bucket").run(state)

        assert sorted(state.kept) == ["a", "b"]
        assert "has changed" in state.kept["a"]
    found = world.rows()["a"]
    assert found is not None
    assert found.rejudging == "other"


class Stop(BaseException):
    """Stands for Ctrl-C."""


class Interrupting(MemoryObjectStore):
    """A bucket whose calls are counted; one of them is interrupted, before or after its effect."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        super().__init__()
        self.objects = objects
        self.calls = 0
        self.stop_at = -1

    def step(self) -> None:
        self.calls += 1
        if self.calls == self.stop_at:
            raise Stop

    def put(self, key: str, body: bytes, *, content_type: str) -> None:
        self.step()
        super().put(key, body, content_type=content_type)
        self.step()

    def delete(self, keys: object) -> None:
        self.step()
        super().delete(keys)
        self.step()


def accepted_with(world: World, stop_at: int) -> Interrupting:
    """Accept, interrupted at a step, and again until the end."""
    store = Interrupting(world.objects.objects)
    store.stop_at = stop_at
    acceptance = Acceptance(world.finished, store, "bucket", lambda _result: store.step())

    def run() -> None:
        with open_state(world.folder, "again", changing=True) as state:
            acceptance.run(state)

    try:
        run()
    except Stop:
        run()
    return store


def state_of(world: World) -> tuple[dict[str, bytes], dict[str, str | None]]:
    """Everything that accepting may change, without times."""
    rows = {key: row and row.to_json().decode() for key, row in world.rows().items()}
    return dict(world.objects.objects), rows


def test_accepting_may_be_interrupted_at_any_step(world: World) -> None:
    """The end is the same: new results, the old ones kept, nothing of the rejudging left."""

    def prepared() -> None:
        with world.engine.connect() as connection:
            connection.execute(JOBS.delete())
        world.objects.objects.clear()
        for path in world.folder.iterdir():
            path.unlink()
        world.submit("a")
        world.submit("b")
        world.begin()
        world.grade()

    prepared()
    steps = accepted_with(world, -1).calls
    expected = state_of(world)
    assert steps > 15
    assert b'"WA"' in expected[0]["results/a/before-again.json"]
    assert expected[0]["results/a/before-again.log"] == b"log of a"
    assert expected[0][execution_log_key("a")] == b"log of a.rejudge.again"
    assert b'"AC"' in expected[0][result_key("a")]
    assert sorted(expected[1]) == ["a", "b"]
    assert not [key for key in expected[0] if ".rejudge." in key]

    for stop_at in range(1, steps + 1):
        prepared()
        accepted_with(world, stop_at)
        assert state_of(world) == expected, f"interrupted at step {stop_at}"


def test_what_a_worker_has_is_not_removed(world: World) -> None:
    """It would store its result afterwards."""
    world.submit("a")
    world.submit("b")
    world.begin()
    world.take()

    with pytest.raises(TryAgainError, match="1 requests of the rejudging are being graded"):
        world.remove()

    world.jobs.finish(graded("a.rejudge.again", Verdict.ACCEPTED, 100), attempt=1)
    assert world.finished.users("rejudge.") == ["rejudge.again"]
    assert world.remove() == 1
    assert sorted(world.rows()) == ["a", "b"]


@pytest.mark.parametrize("gives_back", [True, False], ids=["given back", "lease over"])
def test_what_no_worker_has_any_more_is_removed(world: World, *, gives_back: bool) -> None:
    """Nobody would ever give such a request a result, because its message is removed, too."""
    world.submit("a")
    world.begin()
    world.take()

    if gives_back:
        assert world.jobs.give_back("worker", "a.rejudge.again", 1)
    else:
        world.moment += 2 * DEFAULT_LEASE

    assert world.remove() == 1
    assert sorted(world.rows()) == ["a"]


def test_after_a_refused_discard_the_grading_goes_on(world: World) -> None:
    """Discarding has removed the message of a request that its worker gives back afterwards."""
    world.submit("a")
    world.begin()
    world.take()
    with pytest.raises(TryAgainError):
        world.remove()
    world.jobs.give_back("worker", "a.rejudge.again", 1)

    progress = world.grade()

    assert progress.graded == 1
    assert world.most_queued == 1


def test_a_request_is_sent_again_only_after_its_claim_has_ended(world: World) -> None:
    """The command waits for a worker that has it, and not for one that gave it back."""
    world.submit("a")
    world.begin()
    world.take()
    ticks = iter(range(0, 100_000, 10))
    waiting: list[int] = []

    def work() -> None:
        waiting.append(len(world.broker.messages(REQUESTS_QUEUE)))
        if len(waiting) == 3:
            world.jobs.give_back("worker", "a.rejudge.again", 1)
        elif len(waiting) > 3:
            world.work()

    progress = world.grade(work, clock=lambda: float(next(ticks)))

    assert progress.graded == 1
    assert waiting == [0, 0, 0, 1]


def test_the_messages_of_one_rejudging_are_removed(world: World) -> None:
    """Also two of one request; others stay, also those of a low priority."""
    for name in ("again", "other"):
        for each in "ab":
            found = request(f"{each}.rejudge.{name}")
            headers = {"priority": "1", "x-gradectl-rejudging": name}
            world.broker.send(REQUESTS_QUEUE, found.to_json(), headers)

    twice = request("b.rejudge.again")
    headers = {"priority": "1", "x-gradectl-rejudging": "again"}
    world.broker.send(REQUESTS_QUEUE, twice.to_json(), headers)

    assert remove_queued(world.broker, "again") == 3
    assert sorted(queued_messages(world.broker, "other")) == ["a.rejudge.other", "b.rejudge.other"]
    assert queued_messages(world.broker, "again") == {}


def test_the_file_can_be_made_again(world: World) -> None:
    """With the name and the conditions that it had; nothing is graded twice."""
    world.submit("a")
    world.begin()
    world.grade()
    for path in world.folder.iterdir():
        path.unlink()

    world.begin()
    sent: list[bytes] = []
    world.broker.on_send = lambda _queue, body: sent.append(body)
    progress = world.grade()

    assert (progress.graded, sent) == (1, [])
