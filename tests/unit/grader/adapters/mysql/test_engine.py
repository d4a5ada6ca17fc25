"""Translation of the driver's errors."""

from __future__ import annotations

import pymysql
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from grader.adapters.mysql.engine import DatabaseLogin, translated
from grader.errors import AccessError, GraderError, SettingsError, TemporaryError


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (1045, AccessError),
        (1698, AccessError),
        (1227, AccessError),
        (1049, SettingsError),
        (1524, SettingsError),
        (1142, TemporaryError),
        (2003, TemporaryError),
        (2013, TemporaryError),
        (1213, TemporaryError),
    ],
)
def test_error_numbers_are_translated(code: int, expected: type[GraderError]) -> None:
    """A wrong password is not retried like an unreachable server."""
    theirs = OperationalError("SELECT 1", {}, pymysql.err.OperationalError(code, "words"))

    with pytest.raises(expected, match="words"), translated("database"):
        raise theirs


def test_any_other_error_is_temporary() -> None:
    """For example a table that another process is creating."""
    theirs = ProgrammingError("SELECT 1", {}, pymysql.err.ProgrammingError(1146, "no table"))

    with pytest.raises(TemporaryError), translated("database"):
        raise theirs


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [("db.example:3307", ("db.example", 3307)), ("db.example", ("db.example", 3306))],
)
def test_the_default_port_is_that_of_mysql(endpoint: str, address: tuple[str, int]) -> None:
    """The endpoint of RDS is host:port."""
    assert DatabaseLogin(endpoint, "n", "u", "p").address == address


def test_invalid_port_is_an_error() -> None:
    """The error shows the endpoint."""
    with pytest.raises(SettingsError, match="db:x"):
        _ = DatabaseLogin("db:x", "n", "u", "p").address
