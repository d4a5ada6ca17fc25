"""The table of jobs of an environment, reached as a worker reaches it: by its parameters."""

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
    Give the table of jobs for the block; the first question connects.

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
