"""Migration of the database schema."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import inspect, text

from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.mysql.table import METADATA
from grader.contract.messages import JobRequest
from grader.errors import TemporaryError
from grader.migrations import migrate
from grader.ports.jobs import Claim, Granted, HeldByAnother

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

    for table in METADATA.sorted_tables:
        columns = {each["name"]: each for each in inspect(engine).get_columns(table.name)}
        assert list(columns) == [column.name for column in table.columns]
        for column in table.columns:
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


def test_a_schema_newer_than_the_program_is_left_alone(engine: Any) -> None:
    """So an older worker can be started again after a release was rolled back."""
    migrate(engine)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))

    migrate(engine)

    with engine.connect() as connection:
        version = connection.scalar(text("SELECT version_num FROM alembic_version"))
    assert version == "from-the-future"


#: How workers of the first revision insert a claim, and take one over.
OLD_CLAIM = """
    INSERT INTO jobs (request_id, user_id, problem_id, language, queue, status, attempts,
                      message_id, worker_id, created_at, updated_at)
    VALUES ('req_1', '', '', '', 'q', 'running', 1, 'ID:1', 'old', :now, :now)
"""
OLD_TAKE_OVER = """
    UPDATE jobs SET attempts = 2, message_id = 'ID:1', worker_id = 'old', updated_at = :now
    WHERE request_id = 'req_1'
"""


@pytest.mark.parametrize("takes_over", [False, True])
def test_claims_of_workers_without_leases_hold_for_an_hour(engine: Any, takes_over: bool) -> None:
    """They run while workers are replaced, and renew nothing."""
    migrate(engine)
    now = [datetime(2024, 8, 20, 12)]  # noqa: DTZ001 - the database has naive times
    jobs = MysqlJobStore(engine, now=lambda: now[0])
    request = JobRequest(request_id="req_1")
    if takes_over:
        jobs.claim(Claim(request, "ID:1", "q", "new"))
    with engine.connect() as connection:
        connection.execute(text(OLD_TAKE_OVER if takes_over else OLD_CLAIM), {"now": now[0]})
    jobs.renew("old", ["req_1"], timedelta(days=1))

    now[0] += timedelta(hours=1)
    assert jobs.claim(Claim(request, "ID:2", "q", "new")) == HeldByAnother("old")
    now[0] += timedelta(seconds=1)
    assert isinstance(jobs.claim(Claim(request, "ID:2", "q", "new")), Granted)


def test_attempts_of_older_workers_are_counted_as_before(engine: Any) -> None:
    """They note no failure, and take over the claim of a worker that did."""
    migrate(engine)
    jobs = MysqlJobStore(engine)
    request = JobRequest(request_id="req_1")
    jobs.claim(Claim(request, "ID:1", "q", "new"))
    jobs.note_failure("req_1", 1)
    with engine.connect() as connection:
        connection.execute(text(OLD_TAKE_OVER), {"now": datetime(2024, 8, 20, 12)})  # noqa: DTZ001 - the database has naive times

    assert jobs.claim(Claim(request, "ID:1", "q", "new")) == Granted(3, settled=1)


def test_gradectl_reads_a_schema_of_an_older_worker(engine: Any) -> None:
    """It may be newer than the environment, and reads and deletes rows only."""
    migrate(engine)
    with engine.connect() as connection:
        connection.execute(text(OLD_CLAIM), {"now": datetime(2024, 8, 20, 12)})  # noqa: DTZ001 - the database has naive times
        connection.execute(
            text(
                "ALTER TABLE jobs DROP COLUMN leased_until, DROP COLUMN leased_attempt,"
                " DROP COLUMN settled_attempts"
            )
        )
    jobs = MysqlJobStore(engine)

    row = jobs.get("req_1")
    assert row.worker_id == "old"
    assert row.held_until == row.updated_at + timedelta(hours=1)
    jobs.delete("req_1")
    assert jobs.get("req_1") is None


def test_migration_blocked_by_another_process_is_an_error(engine: Any) -> None:
    """The wait is limited."""
    with engine.connect() as other:
        other.execute(text("SELECT GET_LOCK('grader-migrate', 0)"))

        with pytest.raises(TemporaryError, match="another process"):
            migrate(engine, wait_seconds=0)


def test_interrupted_migration_is_completed(engine: Any) -> None:
    """Building an index may outlive the connection; MySQL keeps the steps that were done."""
    migrate(engine)
    with engine.connect() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0003'"))
        connection.execute(text("ALTER TABLE jobs DROP INDEX ix_jobs_function, DROP submitted_at"))
        connection.execute(text("DROP TABLE webhook_deliveries"))

    migrate(engine)

    schema = inspect(engine)
    assert "submitted_at" in {each["name"] for each in schema.get_columns("jobs")}
    assert "ix_jobs_function" in {each["name"] for each in schema.get_indexes("jobs")}
    assert schema.has_table("webhook_deliveries")
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT version_num FROM alembic_version")) > "0003"


def test_migrate_command_creates_the_schema(world: Any) -> None:
    """`grader migrate` needs the parameters of the database and no broker."""
    for name in [name for name in world.environment if name.startswith("MQ_")]:
        del world.environment[name]
    process = world.start(sys.executable, "-m", "grader", "migrate")

    assert process.ended() == 0
    assert "Schema is up to date" in process.lines[-1]
    assert world.jobs.get("req_1") is None
