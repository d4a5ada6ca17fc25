"""The database's user of the application: few rights, TLS, and made by the administrator."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, Engine, text

from grader.adapters.mysql.engine import DatabaseLogin, open_engine, translated
from grader.errors import AccessError, SettingsError

_WHERE = "database"
_RIGHTS = "SELECT, INSERT, UPDATE, DELETE"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,31}")
_SCHEMA = re.compile(r"[a-z][a-z0-9_]{0,63}")
_GRANT = re.compile(r"GRANT (?P<rights>.+?)(?: ON (?P<on>\S+))? TO ")
#: What a statement holds as it is, so that no error message can show a part of it unhidden.
_PASSWORD = re.compile(r"""[!#-&(-\[\]-_a-~]{8,128}""")


@dataclass(frozen=True)
class ApplicationUser:
    """
    A user with the rights of a worker on one schema.

    Args:
        name: The user; it may log in from any host, by TLS only.
        schema: The schema.
        password: Its password; None: it logs in by a token of IAM, which RDS MySQL alone can check.

    Raises:
        SettingsError: A name or the password is of a kind that is not taken; says what is.
    """

    name: str
    schema: str
    password: str | None = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what could not be written into a statement as it is."""
        if not _NAME.fullmatch(self.name):
            what = f"{self.name!r} is no name of a user: 1 to 32 of a-z, 0-9 and _, first a letter"
            raise SettingsError(what, where=_WHERE)
        if not _SCHEMA.fullmatch(self.schema):
            what = f"{self.schema!r} is no schema: 1 to 64 of a-z, 0-9 and _, first a letter"
            raise SettingsError(what, where=_WHERE)
        if self.password is not None and not _PASSWORD.fullmatch(self.password):
            what = f"the password of {self.name} must have 8 to 128 printable ASCII characters"
            raise SettingsError(f"{what} without space, quotes and backslash", where=_WHERE)

    @property
    def grants(self) -> set[tuple[str, str]]:
        """The rights and where they hold, as the server shows them."""
        return {("USAGE", "*.*"), (_RIGHTS, self.pattern)}

    @property
    def pattern(self) -> str:
        r"""The schema in a GRANT, where `_` alone would stand for any character."""
        return "`" + self.schema.replace("_", r"\_") + "`.*"


def ensure_user(administrator: Engine, server: DatabaseLogin, user: ApplicationUser) -> list[str]:
    """
    Make the user, or what is wrong with it right.

    What was right is left alone, so that those who work as this user notice nothing.

    Args:
        administrator: Connections of one who may make users and has the rights to give.
        server: A login there, after which the user's is tried out.
        user: How it shall be.

    Returns:
        What was done, a sentence each; never the password.

    Raises:
        AccessError: The administrator may not do this.
        SettingsError: The user has a right that cannot be taken back.
        TemporaryError: The server cannot be reached, or does not do it.
    """
    with translated(_WHERE), administrator.connect() as connection:
        said = _ensure_account(connection, server, user)
        said += _ensure_grants(connection, user)
    if user.password is None:
        return [*said, f"Login of {user.name} was not tried: that needs a token of IAM"]
    if not _can_log_in(server, user, user.schema):
        what = f"{user.name} is as it should be and cannot log in to {user.schema}"
        raise AccessError(what, where=_WHERE, next_step="does the server offer TLS?")
    return [*said, f"{user.name} can log in to {user.schema}"]


def _ensure_account(
    connection: Connection, server: DatabaseLogin, user: ApplicationUser
) -> list[str]:
    """Set who may log in how."""
    name = {"name": user.name}
    question = "SELECT ssl_type, plugin FROM mysql.user WHERE User = :name AND Host = '%'"
    found = connection.execute(text(question), name).one_or_none()
    by_iam = user.password is None
    proof = "WITH AWSAuthenticationPlugin AS 'RDS'" if by_iam else "BY :password"
    values = name if user.password is None else {**name, "password": user.password}
    if found is None:
        connection.execute(text(f"CREATE USER :name@'%' IDENTIFIED {proof} REQUIRE SSL"), values)
        return [f"User {user.name} made, for logins by TLS only"]
    tls, plugin = (_words(each) for each in found)
    said = []
    if by_iam != (plugin == "AWSAuthenticationPlugin") or not (by_iam or _can_log_in(server, user)):
        connection.execute(text(f"ALTER USER :name@'%' IDENTIFIED {proof}"), values)
        said.append(
            f"User {user.name} logs in by {'IAM' if by_iam else 'a new password'} from now on"
        )
    if tls != "ANY":
        connection.execute(text("ALTER USER :name@'%' REQUIRE SSL"), name)
        said.append(f"User {user.name} logs in by TLS only from now on")
    return said or [f"User {user.name} is as it should be"]


def _ensure_grants(connection: Connection, user: ApplicationUser) -> list[str]:
    """Give what is missing, and take back all else."""
    name = {"name": user.name}
    if _grants(connection, user) == user.grants:
        return [f"Rights of {user.name} are as they should be"]
    give = text(f"GRANT {_RIGHTS} ON {user.pattern} TO :name@'%'")
    connection.execute(give, name)
    if _grants(connection, user) != user.grants:
        connection.execute(text("REVOKE ALL PRIVILEGES, GRANT OPTION FROM :name@'%'"), name)
        connection.execute(give, name)
    left = _grants(connection, user) - user.grants
    if left:
        what = ", ".join(sorted(" ON ".join(filter(None, each)) for each in left))
        hint = f"revoke it by hand, or drop {user.name} and run this again"
        raise SettingsError(f"{user.name} still has {what}", where=_WHERE, next_step=hint)
    return [f"User {user.name} may {_RIGHTS} on {user.schema}, and nothing else"]


def _grants(connection: Connection, user: ApplicationUser) -> set[tuple[str, str]]:
    """Read the rights of the user; a role has no place where it holds."""
    rows = connection.execute(text("SHOW GRANTS FOR :name@'%'"), {"name": user.name})
    found = [_GRANT.match(str(row[0])) for row in rows]
    return {(each["rights"], each["on"] or "") for each in found if each}


def _can_log_in(server: DatabaseLogin, user: ApplicationUser, schema: str = "") -> bool:
    """Try the user's login, and its way into a schema."""
    login = replace(server, name=schema, user=user.name, password=user.password or "")
    engine = open_engine(lambda: login, connections=1)
    try:
        with translated(_WHERE), engine.connect():
            return True
    except AccessError:
        return False
    finally:
        engine.dispose()


def _words(value: object) -> str:
    """Read a column that one server keeps as text and the other as bytes."""
    return value.decode() if isinstance(value, bytes) else str(value or "")
