"""Creates and corrects the database users of worker and API: few rights, TLS only."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Engine, text

from grader.adapters.mysql.engine import DatabaseLogin, open_engine, translated
from grader.errors import AccessError, SettingsError

_WHERE = "database"
_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
_READ_TABLE = "jobs"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,63}")
_GRANT = re.compile(r"GRANT (?P<rights>.+?)(?: ON (?P<on>\S+))? TO ")
#: Characters that need no escaping in a statement, so that masking finds the password in errors.
_PASSWORD = re.compile(r"""[!#-&(-\[\]-_a-~]{8,128}""")


@dataclass(frozen=True)
class ApplicationUser:
    """
    A database user with the rights of a worker on one schema.

    Args:
        name: User name; it may log in from any host, with TLS only.
        schema: The schema.
        password: Its password; None: it logs in with an IAM token (RDS MySQL only).

    Raises:
        SettingsError: A name or the password has characters that are not allowed.
    """

    name: str
    schema: str
    password: str | None = field(repr=False)

    def __post_init__(self) -> None:
        """Reject values that would need escaping in a statement."""
        if not _NAME.fullmatch(self.name):
            what = f"invalid user name {self.name!r}: use 1 to 32 of a-z, 0-9 and _, first a letter"
            raise SettingsError(what, where=_WHERE)
        if not _SCHEMA.fullmatch(self.schema):
            what = f"invalid schema {self.schema!r}: use 1 to 64 of a-z, 0-9 and _, first a letter"
            raise SettingsError(what, where=_WHERE)
        if self.password is not None and not _PASSWORD.fullmatch(self.password):
            what = f"the password of {self.name} must have 8 to 128 printable ASCII characters"
            raise SettingsError(f"{what} without space, quotes and backslash", where=_WHERE)

    @property
    def rights(self) -> dict[str, str]:
        r"""
        Rights by their scope, as in SHOW GRANTS.

        In the name of a whole schema an unescaped `_` would match any character.
        """
        return {"`" + self.schema.replace("_", r"\_") + "`.*": _RIGHTS}

    @property
    def summary(self) -> str:
        """The rights as text."""
        return f"{_RIGHTS} on {self.schema}"

    @property
    def grants(self) -> set[tuple[str, str]]:
        """Rights and their scope, with the right to log in."""
        return {("USAGE", "*.*"), *((right, on) for on, right in self.rights.items())}


class ReaderUser(ApplicationUser):
    """A database user that can only read the jobs, as the API does; arguments as above."""

    @property
    def rights(self) -> dict[str, str]:
        """Rights by their scope, as in SHOW GRANTS."""
        return {f"`{self.schema}`.`{_READ_TABLE}`": "SELECT"}

    @property
    def summary(self) -> str:
        """The rights as text."""
        return f"SELECT on {_READ_TABLE} of {self.schema}"


def ensure_user(administrator: Engine, server: DatabaseLogin, user: ApplicationUser) -> list[str]:
    """
    Create the user, or correct what differs.

    Workers with open sessions of this user are not interrupted.

    Args:
        administrator: Connections of a user that may create users and grant these rights.
        server: Address of the server, for a test login as the user.
        user: The wanted user.

    Returns:
        One sentence for each result; never the password.

    Raises:
        AccessError: The administrator lacks a right.
        SettingsError: The user has a right that cannot be revoked.
        TemporaryError: The server is unreachable or failed.
    """
    with translated(_WHERE), administrator.connect() as connection:
        report = _ensure_account(connection, server, user)
        report += _ensure_grants(connection, user)
    if user.password is None:
        return [*report, f"Login of {user.name} was not tested: it needs an IAM token"]
    if not _can_log_in(server, user, user.schema):
        what = f"{user.name} is set up but cannot log in to {user.schema}"
        raise AccessError(what, where=_WHERE, next_step="check that the server offers TLS")
    return [*report, f"{user.name} can log in to {user.schema}"]


def _ensure_account(
    connection: Connection, server: DatabaseLogin, user: ApplicationUser
) -> list[str]:
    """Ensure the account, its login method and the TLS requirement."""
    name = {"name": user.name}
    query = "SELECT ssl_type, plugin FROM mysql.user WHERE User = :name AND Host = '%'"
    found = connection.execute(text(query), name).one_or_none()
    by_iam = user.password is None
    method = "WITH AWSAuthenticationPlugin AS 'RDS'" if by_iam else "BY :password"
    values = name if user.password is None else {**name, "password": user.password}
    if found is None:
        connection.execute(text(f"CREATE USER :name@'%' IDENTIFIED {method} REQUIRE SSL"), values)
        return [f"User {user.name} created; it requires TLS"]
    tls, plugin = (_as_text(each) for each in found)
    report = []
    if by_iam != (plugin == "AWSAuthenticationPlugin") or not (by_iam or _can_log_in(server, user)):
        connection.execute(text(f"ALTER USER :name@'%' IDENTIFIED {method}"), values)
        login = "IAM" if by_iam else "the new password"
        report.append(f"User {user.name} changed to log in with {login}")
    if tls != "ANY":
        connection.execute(text("ALTER USER :name@'%' REQUIRE SSL"), name)
        report.append(f"User {user.name} changed to require TLS")
    return report or [f"User {user.name} is unchanged"]


def _ensure_grants(connection: Connection, user: ApplicationUser) -> list[str]:
    """Grant the missing rights and revoke all others."""
    name = {"name": user.name}
    if _grants(connection, user) == user.grants:
        return [f"Rights of {user.name} are unchanged"]
    _grant(connection, user)
    if _grants(connection, user) != user.grants:
        connection.execute(text("REVOKE ALL PRIVILEGES, GRANT OPTION FROM :name@'%'"), name)
        _grant(connection, user)
    left = _grants(connection, user) - user.grants
    if left:
        what = ", ".join(sorted(" ON ".join(filter(None, each)) for each in left))
        hint = f"revoke it manually, or drop {user.name} and run this again"
        raise SettingsError(f"{user.name} still has {what}", where=_WHERE, next_step=hint)
    return [f"User {user.name} has {user.summary} and no other right"]


def _grant(connection: Connection, user: ApplicationUser) -> None:
    for on, rights in user.rights.items():
        connection.execute(text(f"GRANT {rights} ON {on} TO :name@'%'"), {"name": user.name})


def _grants(connection: Connection, user: ApplicationUser) -> set[tuple[str, str]]:
    """Read the rights of the user; the scope of a role is empty."""
    rows = connection.execute(text("SHOW GRANTS FOR :name@'%'"), {"name": user.name})
    found = [_GRANT.match(str(row[0])) for row in rows]
    return {(each["rights"], each["on"] or "") for each in found if each}


def _can_log_in(server: DatabaseLogin, user: ApplicationUser, schema: str = "") -> bool:
    """Test the user's login to a schema."""
    login = replace(server, name=schema, user=user.name, password=user.password or "")
    engine = open_engine(lambda: login, connections=1)
    try:
        with translated(_WHERE), engine.connect():
            return True
    except AccessError:
        return False
    finally:
        engine.dispose()


def _as_text(value: object) -> str:
    """Decode a column that is text on MySQL or MariaDB and bytes on the other."""
    return value.decode() if isinstance(value, bytes) else str(value or "")
