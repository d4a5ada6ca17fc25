"""Opens connections to MySQL and translates their errors."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.constants import CLIENT
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from grader.adapters.trust import untrusted
from grader.errors import AccessError, GraderError, SettingsError, TemporaryError

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 30
_RECYCLE_SECONDS = 1800
_REFUSED = {1044, 1045, 1698, 1227}  # database, password, authentication plugin, operation
_MAY_NOT = 1142
_UNKNOWN_DATABASE = 1049
_UNKNOWN_PLUGIN = 1524
_DEFAULT_PORT = 3306


@dataclass(frozen=True)
class DatabaseLogin:
    """Address of the database, and user name and password."""

    endpoint: str  # host:port
    name: str
    user: str
    password: str
    ca_file: Path | None = None  # if set, the server's certificate is verified

    def __repr__(self) -> str:
        """Omit the password."""
        return f"DatabaseLogin({self.user}@{self.endpoint}/{self.name})"

    @property
    def address(self) -> tuple[str, int]:
        """
        Host and port; the default is MySQL's port.

        Raises:
            SettingsError: The port is not a number.
        """
        host, _, port = self.endpoint.rpartition(":")
        if not host:
            return self.endpoint, _DEFAULT_PORT
        if not port.isdecimal():
            raise SettingsError(f"not host:port: {self.endpoint!r}", where="database endpoint")
        return host, int(port)


def open_engine(login: Callable[[], DatabaseLogin], *, connections: int = 5) -> Engine:
    """
    Create a pool of connections; the first is opened on first use.

    Statements autocommit, which saves two round trips each; transactions are explicit.

    Args:
        login: Called for each new connection, so that a rotated password takes effect.
        connections: Most connections that are kept open.
    """
    return create_engine(
        "mysql+pymysql://",
        creator=lambda: _connect(login()),
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=2,
        pool_recycle=_RECYCLE_SECONDS,
        pool_reset_on_return=None,  # autocommit leaves no transaction open,
        skip_autocommit_rollback=True,  # so there is nothing to roll back
    )


@contextmanager
def transaction(connection: Connection, *, read_committed: bool = False) -> Generator[None]:
    """
    Run a block in a transaction of a connection of `open_engine`.

    It costs two round trips, those of SQLAlchemy about eight: they change the level of the session.

    Args:
        connection: In autocommit.
        read_committed: Lock no gaps, and see in each statement what others have committed.
    """
    if read_committed:
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
    connection.exec_driver_sql("START TRANSACTION")
    try:
        yield
    except BaseException:
        with suppress(SQLAlchemyError):  # a lost connection has rolled back already
            connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _connect(login: DatabaseLogin) -> pymysql.Connection:
    host, port = login.address
    return pymysql.connect(
        host=host,
        port=port,
        user=login.user,
        password=login.password,
        database=login.name,
        charset="utf8mb4",
        autocommit=True,
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_ANSWER_SECONDS,
        write_timeout=_ANSWER_SECONDS,
        client_flag=CLIENT.FOUND_ROWS,
        ssl=_tls_context(login),
    )


def _tls_context(login: DatabaseLogin) -> ssl.SSLContext | None:
    """Verify the server if `ca_file` is set; otherwise use TLS only if the server offers it."""
    if login.ca_file is None:
        return None
    try:
        return ssl.create_default_context(cafile=login.ca_file)
    except OSError as error:
        what = f"cannot read certificates: {error.strerror or error}"
        raise SettingsError(what, where=str(login.ca_file), next_step="check DB_CA_FILE") from error


@contextmanager
def translated(where: str) -> Generator[None]:
    """
    Translate errors of the driver.

    Raises:
        AccessError: The server refused the user name or password.
        TrustError: Its certificate is not trusted, or is for another host.
        SettingsError: The database or the login method does not exist.
        TemporaryError: The server is unreachable or failed; or the user lacks a right until
            another user has migrated the schema.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _grader_error(error, where) from error


def _grader_error(error: SQLAlchemyError, where: str) -> GraderError:
    original = error.orig if isinstance(error, DBAPIError) else None
    code = original.args[0] if original is not None and original.args else 0
    what = str(original or error)
    refused = getattr(original, "original_exception", None)
    if isinstance(refused, ssl.SSLCertVerificationError):
        return untrusted(refused, where, "check that DB_CA_FILE has the server's authority")
    if code in _REFUSED:
        hint = "compare the db/username and db/password parameters with the database"
        return AccessError(what, where=where, next_step=hint)
    if code == _UNKNOWN_DATABASE:
        return SettingsError(what, where=where, next_step="check the db/name parameter")
    if code == _UNKNOWN_PLUGIN:
        hint = "only RDS MySQL supports IAM logins, if they are enabled"
        return SettingsError(what, where=where, next_step=hint)
    hint = "run 'grader database-user'" if code == _MAY_NOT else ""
    return TemporaryError(what, where=where, next_step=hint)
