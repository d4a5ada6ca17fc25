"""Migration of the database schema."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import inspect, text

from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.table import JOBS
from grader.errors import TemporaryError
from grader.migrations import migrate

pytestmark = pytest.mark.engine


@pytest.fixture
def engine(fresh_database: Any) -> Any:
    """Connections to an empty database."""
    name, user = fresh_database.name, fresh_database.user
    login = DatabaseLogin(fresh_database.endpoint, name, user, fresh_database.password)
    engine = open_engine(lambda: login)
    yield engine
    engine.dispose()


def test_migrated_table_is_the_one_the_program_uses(engine: Any) -> None:
    """Names, lengths and nullability are the same in the migration and in the program."""
    migrate(engine)

    columns = {column["name"]: column for column in inspect(engine).get_columns("jobs")}
    assert list(columns) == [column.name for column in JOBS.columns]
    for column in JOBS.columns:
        found = columns[column.name]
        assert found["nullable"] == column.nullable, column.name
        assert getattr(found["type"], "length", None) == getattr(column.type, "length", None)


def test_table_holds_all_of_unicode(engine: Any) -> None:
    """utf8mb4, whatever the default of the database is."""
    migrate(engine)

    with engine.connect() as connection:
        table = connection.execute(text("SHOW CREATE TABLE jobs")).one()[1]
    assert "CHARSET=utf8mb4" in table


def test_workers_that_start_together_migrate_once(engine: Any) -> None:
    """One migrates, the others wait."""
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: migrate(engine), range(4)))

    with engine.connect() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM alembic_version")) == 1


def test_migration_blocked_by_another_process_is_an_error(engine: Any) -> None:
    """The wait is limited."""
    with engine.connect() as other:
        other.execute(text("SELECT GET_LOCK('grader-migrate', 0)"))

        with pytest.raises(TemporaryError, match="another process"):
            migrate(engine, wait_seconds=0)


def test_migrate_command_creates_the_schema(world: Any) -> None:
    """`grader migrate` needs the parameters of the database and no broker."""
    for name in [name for name in world.environment if name.startswith("MQ_")]:
        del world.environment[name]
    process = world.start(sys.executable, "-m", "grader", "migrate")

    assert process.ended() == 0
    assert "Schema is up to date" in process.lines[-1]
    assert world.jobs.get("req_1") is None
