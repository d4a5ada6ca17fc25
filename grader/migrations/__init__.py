"""Migrations of the database schema."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from grader.adapters.mysql.engine import translated
from grader.errors import TemporaryError

_HOME = Path(__file__).parent
_LOCK = "grader-migrate"


def migrate(engine: Engine, *, wait_seconds: int = 20) -> None:
    """
    Migrate the schema to the newest revision; one process at a time, the others wait.

    MySQL cannot roll back schema changes, so a named lock of the server serialises them. A schema
    that is newer than this program is left alone: each revision only adds what the programs before
    it do not need, so that these can be started again while, or after, workers are replaced.

    Args:
        engine: From `grader.adapters.mysql.engine.open_engine`.
        wait_seconds: Longest wait for another migrating process; less than the engine waits for an
            answer.

    Raises:
        TemporaryError: The database is unreachable, or the other process takes longer.
    """
    with translated("database"), engine.connect() as connection:
        _lock(connection, wait_seconds)
        try:
            configuration = Config()
            configuration.set_main_option("script_location", str(_HOME).replace("%", "%%"))
            configuration.set_main_option("path_separator", "os")
            configuration.attributes["connection"] = connection
            if not _is_newer(configuration, connection):
                command.upgrade(configuration, "head")
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": _LOCK})


def _is_newer(configuration: Config, connection: Connection) -> bool:
    """Return whether the schema has a revision that this program does not know."""
    known = {
        script.revision for script in ScriptDirectory.from_config(configuration).walk_revisions()
    }
    return not set(MigrationContext.configure(connection).get_current_heads()) <= known


def _lock(connection: Connection, wait_seconds: int) -> None:
    query = text("SELECT GET_LOCK(:name, :seconds)")
    if connection.scalar(query, {"name": _LOCK, "seconds": wait_seconds}) != 1:
        raise TemporaryError(
            f"another process has been migrating the schema for {wait_seconds} s",
            where="database",
            next_step="wait for it, or find it with SHOW PROCESSLIST",
        )
