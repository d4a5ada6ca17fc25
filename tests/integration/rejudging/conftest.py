"""A table of jobs on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from rejudging_world import World
from sqlalchemy import Engine

from gradectl.local.testing import RunningDatabase
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.table import JOBS
from grader.migrations import migrate


@pytest.fixture(scope="session")
def engine(mariadb: RunningDatabase) -> Iterator[Engine]:
    """A migrated database for the tests of this folder."""
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
