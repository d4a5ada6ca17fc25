"""Connections to MySQL: how they are made, and what their errors mean."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pymysql
from pymysql.constants import CLIENT
from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from grader.errors import AccessError, GraderError, SettingsError, TemporaryError, TrustError

_CONNECT_SECONDS = 5
_ANSWER_SECONDS = 30
_RECYCLE_SECONDS = 1800
_REFUSED = {1044, 1045, 1698, 1227}  # database, password, authentication plugin, this act
_MAY_NOT = 1142
_UNKNOWN_DATABASE = 1049
_UNKNOWN_PLUGIN = 1524
_DEFAULT_PORT = 3306


@dataclass(frozen=True)
class DatabaseLogin:
    """Where the database is and who we are there."""

    endpoint: str  # host:port
    name: str
    user: str
    password: str
    ca_file: Path | None = None  # with it the server must prove who it is

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"DatabaseLogin({self.user}@{self.endpoint}/{self.name})"

    @property
    def address(self) -> tuple[str, int]:
        """
        Host and port; without a port, MySQL's own.

        Raises:
            SettingsError: The port is no number.
        """
        host, _, port = self.endpoint.rpartition(":")
        if not host:
            return self.endpoint, _DEFAULT_PORT
        if not port.isdecimal():
            raise SettingsError(f"not host:port: {self.endpoint!r}", where="database endpoint")
        return host, int(port)


def open_engine(login: Callable[[], DatabaseLogin], *, connections: int = 5) -> Engine:
    """
    Prepare a pool of connections; the first is made when it is needed.

    Statements commit by themselves, which saves two round trips each; a transaction is asked for
    where one is needed.

    Args:
        login: Asked for each new connection, so that a rotated password is picked up.
        connections: Most that are kept open.
    """
    return create_engine(
        "mysql+pymysql://",
        creator=lambda: _connect(login()),
        isolation_level="AUTOCOMMIT",
        pool_size=connections,
        max_overflow=2,
        pool_recycle=_RECYCLE_SECONDS,
        pool_reset_on_return=None,  # nothing is left open by a statement that commits by itself,
        skip_autocommit_rollback=True,  # so neither is anything to be rolled back
    )


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
        ssl=_proof(login),
    )


def _proof(login: DatabaseLogin) -> ssl.SSLContext | None:
    """Demand TLS and a certificate; without an authority, TLS is used where the server has it."""
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
    Turn the driver's errors into ours.

    Raises:
        AccessError: The server refused the user name or password.
        TrustError: Its certificate is not trusted or of another host.
        SettingsError: There is no such database, or no such kind of login.
        TemporaryError: The server cannot be reached, went away, or cannot do it now; or lets
            another user do it, such as one who brings the schema up to date.
    """
    try:
        yield
    except SQLAlchemyError as error:
        raise _ours(error, where) from error


def _ours(error: SQLAlchemyError, where: str) -> GraderError:
    original = error.orig if isinstance(error, DBAPIError) else None
    code = original.args[0] if original is not None and original.args else 0
    what = str(original or error)
    if isinstance(getattr(original, "original_exception", None), ssl.SSLCertVerificationError):
        return TrustError(
            what, where=where, next_step="does DB_CA_FILE hold the server's authority?"
        )
    if code in _REFUSED:
        hint = "compare the db/username and db/password parameters with the database"
        return AccessError(what, where=where, next_step=hint)
    if code == _UNKNOWN_DATABASE:
        return SettingsError(what, where=where, next_step="check the db/name parameter")
    if code == _UNKNOWN_PLUGIN:
        hint = "only RDS MySQL lets users in by IAM, where it is turned on"
        return SettingsError(what, where=where, next_step=hint)
    hint = "run 'grader database-user'" if code == _MAY_NOT else ""
    return TemporaryError(what, where=where, next_step=hint)
