"""A small system whose submissions are graded again; the workers are steps of the test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sample_results import completed, request
from sqlalchemy import Engine

from gradectl.queues.testing import MemoryBroker
from gradectl.rejudging.grading import Grading, Progress, Services
from gradectl.rejudging.request import KnownLimits
from gradectl.rejudging.results import remove_results
from gradectl.rejudging.selection import select_jobs
from gradectl.rejudging.state_file import create_state, open_state
from grader.adapters.mysql.finished import MysqlFinishedJobs
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.mysql.table import JOBS
from grader.contract.bucket import execution_log_key, metadata_key, result_key
from grader.contract.messages import GradingRequest, GradingResult, JobResult
from grader.contract.names import REQUESTS_QUEUE
from grader.contract.rejudging import rejudging_of
from grader.contract.verdicts import Verdict
from grader.ports.finished import JobConditions
from grader.ports.jobs import Claim
from grader.testing import MemoryObjectStore

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


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
        result = result or completed(request_id, Verdict.WRONG_ANSWER, 0)
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
            new = new or completed(found.request_id, Verdict.ACCEPTED, 100)
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
        found = request(request_id, user_id="rejudge.again")
        self.jobs.claim(Claim(found, "ID:1", REQUESTS_QUEUE, "worker"))

    def rows(self) -> dict[str, JobResult | None]:
        """The results in the table."""
        with self.engine.connect() as connection:
            ids = [row[0] for row in connection.execute(JOBS.select())]
        return {key: row.result for key, row in self.finished.records(ids).items()}
