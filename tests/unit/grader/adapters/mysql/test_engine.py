"""What the driver's errors mean."""

from __future__ import annotations

import pymysql
import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError

from grader.adapters.mysql.engine import DatabaseLogin, translated
from grader.errors import AccessError, GraderError, SettingsError, TemporaryError


@pytest.mark.parametrize(
    ("code", "ours"),
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
def test_error_numbers_are_told_apart(code: int, ours: type[GraderError]) -> None:
    """A wrong password is not waited for as a server that is away is."""
    theirs = OperationalError("SELECT 1", {}, pymysql.err.OperationalError(code, "words"))

    with pytest.raises(ours, match="words"), translated("database"):
        raise theirs


def test_any_other_error_may_pass() -> None:
    """A table that another process is still making, for one."""
    theirs = ProgrammingError("SELECT 1", {}, pymysql.err.ProgrammingError(1146, "no table"))

    with pytest.raises(TemporaryError), translated("database"):
        raise theirs


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [("db.example:3307", ("db.example", 3307)), ("db.example", ("db.example", 3306))],
)
def test_port_is_mysqls_own_unless_said(endpoint: str, address: tuple[str, int]) -> None:
    """RDS gives host:port."""
    assert DatabaseLogin(endpoint, "n", "u", "p").address == address


def test_port_that_is_no_number_is_refused() -> None:
    """The error shows the endpoint."""
    with pytest.raises(SettingsError, match="db:x"):
        _ = DatabaseLogin("db:x", "n", "u", "p").address
