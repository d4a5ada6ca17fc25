"""The job table of an environment, with address and login from SSM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from gradectl.adapters.aws.account import Aws
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
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
    names = [parameter_name(environment, "db", key) for key in _KEYS]
    found = aws.parameters(names)
    endpoint, name, user, password = (found[each] for each in names)
    engine = open_engine(lambda: DatabaseLogin(endpoint, name, user, password), connections=1)
    try:
        yield MysqlJobStore(engine)
    finally:
        engine.dispose()
