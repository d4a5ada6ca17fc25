"""The job table of an environment, with address and login from SSM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradectl.adapters.aws.account import Aws
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.finished import MysqlFinishedJobs
from grader.adapters.mysql.outbox import MysqlOutbox
from grader.adapters.mysql.store import MysqlJobStore
from grader.contract.names import parameter_name

_KEYS = ("endpoint", "name", "username", "password")


@contextmanager
def open_jobs(aws: Aws, environment: str) -> Iterator[MysqlJobStore]:
    """
    Open the job table for the block; the first query connects.

    Raises:
        ConfigurationError: A parameter does not exist; the environment was not applied.
    """
    login = _read_login(aws, environment)
    engine = open_engine(lambda: login, connections=1)
    try:
        yield MysqlJobStore(engine)
    finally:
        engine.dispose()


@contextmanager
def open_finished_jobs(aws: Aws, environment: str) -> Iterator[MysqlFinishedJobs]:
    """Open the finished jobs for the block; raises as `open_jobs`."""
    login = _read_login(aws, environment)
    engine = open_engine(lambda: login, connections=1)
    try:
        yield MysqlFinishedJobs(engine)
    finally:
        engine.dispose()


@contextmanager
def open_outbox(aws: Aws, environment: str) -> Iterator[MysqlOutbox]:
    """Open the outbox of webhooks for the block; raises as `open_jobs`."""
    login = _read_login(aws, environment)
    engine = open_engine(lambda: login, connections=1)
    try:
        yield MysqlOutbox(engine)
    finally:
        engine.dispose()


def _read_login(aws: Aws, environment: str) -> DatabaseLogin:
    names = [parameter_name(environment, "db", key) for key in _KEYS]
    found = aws.parameters(names)
    endpoint, name, user, password = (found[each] for each in names)
    return DatabaseLogin(endpoint, name, user, password)
