"""The history of the database schema, and how it is brought up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Engine, text

from grader.adapters.mysql.engine import translated
from grader.errors import TemporaryError

_HOME = Path(__file__).parent
_LOCK = "grader-migrate"


def migrate(engine: Engine, *, wait_seconds: int = 60) -> None:
    """
    Bring the schema to the newest revision; one process at a time, the others wait.

    MySQL cannot roll back a change of the schema, so a named lock of the server stands guard.

    Args:
        engine: As `grader.adapters.mysql.engine.open_engine` makes it.
        wait_seconds: How long to wait for another process that is migrating.

    Raises:
        TemporaryError: The database cannot be reached, or the other process takes longer.
    """
    with translated("database"), engine.connect() as connection:
        _lock(connection, wait_seconds)
        try:
            configuration = Config()
            configuration.set_main_option("script_location", str(_HOME).replace("%", "%%"))
            configuration.set_main_option("path_separator", "os")
            configuration.attributes["connection"] = connection
            command.upgrade(configuration, "head")
        finally:
            connection.execute(text("SELECT RELEASE_LOCK(:name)"), {"name": _LOCK})


def _lock(connection: Connection, wait_seconds: int) -> None:
    question = text("SELECT GET_LOCK(:name, :seconds)")
    if connection.scalar(question, {"name": _LOCK, "seconds": wait_seconds}) != 1:
        raise TemporaryError(
            f"another process has been migrating the schema for {wait_seconds} s",
            where="database",
            next_step="wait for it, or look for it in SHOW PROCESSLIST",
        )
