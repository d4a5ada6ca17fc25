"""Opens the job table of an environment; it imports SQLAlchemy, so commands without it avoid it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradectl.adapters.database import open_finished_jobs, open_jobs, open_outbox
from gradectl.target import EnvironmentClient
from grader.adapters.mysql.finished import MysqlFinishedJobs
from grader.adapters.mysql.outbox import MysqlOutbox
from grader.adapters.mysql.store import MysqlJobStore


@contextmanager
def jobs_of(target: EnvironmentClient) -> Iterator[MysqlJobStore]:
    """Open the job table for the block; the first query connects."""
    with target.own_advice(), open_jobs(target.aws, target.name) as jobs:
        yield jobs


@contextmanager
def finished_jobs_of(target: EnvironmentClient) -> Iterator[MysqlFinishedJobs]:
    """Open the finished jobs for the block, as `jobs_of`."""
    with target.own_advice(), open_finished_jobs(target.aws, target.name) as jobs:
        yield jobs


@contextmanager
def outbox_of(target: EnvironmentClient) -> Iterator[MysqlOutbox]:
    """Open the outbox of webhooks for the block, as `jobs_of`."""
    with target.own_advice(), open_outbox(target.aws, target.name) as outbox:
        yield outbox
