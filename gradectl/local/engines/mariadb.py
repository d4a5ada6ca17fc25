"""The data plane of RDS MySQL: a MariaDB process with its own data directory."""

from __future__ import annotations

import os
import shutil
import socket
from dataclasses import dataclass, field
from pathlib import Path

from gradectl.errors import GradectlError
from gradectl.local.engines.find import MariaDbEngine
from gradectl.local.engines.tls import Certificates, write_private
from gradectl.local.loopback import LOOPBACK
from gradectl.processes.child import Child, ProgramSpec

READY_SECONDS = 60.0
STOP_SECONDS = 20.0
_PREPARE_SECONDS = 120.0
_PROBE_SECONDS = 5.0
_PROTOCOL_VERSION = 10  # fifth byte of a MySQL server's greeting
#: Small buffers and the character set of RDS MySQL 8; the rest are defaults of the engine.
_OPTIONS = (
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
    "--innodb-buffer-pool-size=64M",
    "--innodb-log-file-size=32M",
    "--max-allowed-packet=64M",
    "--performance-schema=OFF",
    "--skip-name-resolve",
    "--skip-log-bin",
)


@dataclass(frozen=True)
class Database:
    """
    The settings of a database instance in RDS.

    Args:
        user: The master user.
        password: The master user's password.
        name: The database created with the instance; none when empty.
    """

    user: str
    password: str = field(repr=False)
    name: str = ""


@dataclass(frozen=True)
class DatabaseHome:
    """Directory, port, log file and certificates of a database server."""

    directory: Path
    port: int
    log_file: Path
    certificates: Certificates | None = None  # None disables TLS


def prepare_data(engine: MariaDbEngine, home: DatabaseHome) -> None:
    """
    Initialize the data directory; does nothing if it exists.

    Raises:
        GradectlError: The engine's script failed; quotes its output.
    """
    data = home.directory / "data"
    if data.exists():
        return
    home.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = home.directory / "data.unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)
    command = [
        str(engine.install),
        "--no-defaults",
        f"--datadir={unfinished}",
        *_user_option(),
        "--auth-root-authentication-method=socket",  # no root login over the network
        "--skip-test-db",
        f"--tmpdir={home.directory}",  # other servers use the common one
        "--skip-name-resolve",
    ]
    environment = {"PATH": f"{os.defpath}:/usr/sbin:/sbin"}
    child = Child(ProgramSpec("install", command, environment, home.directory, home.log_file))
    ended = child.wait(_PREPARE_SECONDS)
    child.stop(0)
    if not ended or child.exit_status != 0:
        raise GradectlError(
            f"mariadb-install-db failed to initialize the data directory:\n{child.last_lines()}",
            where=str(home.log_file),
        )
    unfinished.rename(data)


def start_database(engine: MariaDbEngine, database: Database, home: DatabaseHome) -> Child:
    """
    Start a database server on an initialized directory, without waiting until it is ready.

    The user's password is in a file that only the owner can read.
    """
    init_file = home.directory / "init.sql"
    write_private(init_file, _init_statements(database).encode())
    command = [
        str(engine.server),
        "--no-defaults",
        f"--datadir={home.directory / 'data'}",
        *_user_option(),
        f"--bind-address={LOOPBACK}",
        f"--port={home.port}",
        "--socket=server.sock",  # relative, because the full path may be too long
        "--pid-file=server.pid",
        f"--init-file={init_file}",
        f"--tmpdir={home.directory}",
        *_tls_options(home.certificates),
        *_OPTIONS,
    ]
    environment = {"PATH": os.defpath}
    program = ProgramSpec("MariaDB", command, environment, home.directory, home.log_file)
    return Child(program)


def database_answers(port: int) -> bool:
    """Return True if a MySQL server sends its greeting, which it does after its init file."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=_PROBE_SECONDS) as connection:
            greeting = connection.recv(5)
    except OSError:  # refused, reset, timeout
        return False
    return len(greeting) == 5 and greeting[4] == _PROTOCOL_VERSION  # noqa: PLR2004 - 4 bytes of header, then the version


def _tls_options(certificates: Certificates | None) -> list[str]:
    """Offer TLS as RDS does; each user's REQUIRE clause decides whether it is mandatory."""
    if certificates is None:
        return []
    return [f"--ssl-cert={certificates.pem_file}", f"--ssl-key={certificates.pem_file}"]


def _user_option() -> list[str]:
    """Allow it to run as root where this process does; the server requires the option."""
    return ["--user=root"] if os.geteuid() == 0 else []


def _init_statements(database: Database) -> str:
    """Create the master user and the database; an init file has one statement per line."""
    account = f"{_literal(database.user)}@{_literal('%')}"
    statements = [
        f"CREATE USER IF NOT EXISTS {account};",
        f"ALTER USER {account} IDENTIFIED BY {_literal(database.password)};",
        f"GRANT ALL ON *.* TO {account} WITH GRANT OPTION;",
    ]
    if database.name:
        quoted = database.name.replace("`", "``")
        statements.append(f"CREATE DATABASE IF NOT EXISTS `{quoted}`;")
    return "\n".join(statements) + "\n"


def _literal(value: str) -> str:
    """Quote an SQL string literal."""
    escaped = value.replace("\\", "\\\\").replace("'", "''")
    return f"'{escaped}'"
