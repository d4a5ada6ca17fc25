"""The database users of worker and API on a real server with TLS: its rights, and corrections."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pymysql
import pytest
from sqlalchemy import text

from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.mysql.users import ApplicationUser, ReaderUser, ensure_user
from grader.contract.messages import JobRequest
from grader.errors import SettingsError, TemporaryError
from grader.migrations import migrate
from grader.ports.jobs import Claim, Granted

pytestmark = pytest.mark.engine

PASSWORD = "a-Password-of-the-application-1"
NEW_PASSWORD = "a-Password-of-the-application-2"


class Server:
    """A database server, its administrator, and a user to create."""

    def __init__(self, database: Any) -> None:
        self.database = database
        self.name = f"app_{uuid.uuid4().hex[:12]}"
        self.login = DatabaseLogin(database.endpoint, database.name, "", "", database.ca_file)
        self.administrator = self.engine(database.user, database.password)

    def engine(self, user: str, password: str) -> Any:
        """Open connections as a user."""
        login = replace(self.login, user=user, password=password)
        return open_engine(lambda: login, connections=1)

    def tell(self, statement: str) -> list[Any]:
        """Run a statement as the administrator."""
        with self.administrator.connect() as connection:
            result = connection.execute(text(statement.format(user=f"'{self.name}'@'%'")))
            return list(result) if result.returns_rows else []

    def ensure(self, password: str | None = PASSWORD) -> list[str]:
        """Ensure the user; returns the report without its name."""
        user = ApplicationUser(self.name, self.database.name, password)
        done = ensure_user(self.administrator, self.login, user)
        return [each.replace(self.name, "APP") for each in done]

    @property
    def schema(self) -> str:
        """The schema, escaped for a GRANT."""
        return str(self.database.name).replace("_", r"\_")

    @property
    def has_least_rights(self) -> bool:
        """Whether the user has exactly the rights of a worker."""
        found = {str(row[0]).split(" TO ")[0] for row in self.tell("SHOW GRANTS FOR {user}")}
        rights = f"GRANT SELECT, INSERT, UPDATE, DELETE ON `{self.schema}`.*"
        return found == {"GRANT USAGE ON *.*", rights}


@pytest.fixture
def server(fresh_database: Any) -> Iterator[Server]:
    """A server; the test's user is dropped afterwards."""
    server = Server(fresh_database)
    yield server
    server.tell("DROP USER IF EXISTS {user}")
    server.administrator.dispose()


def test_a_user_has_exactly_the_rights_of_a_worker(server: Server) -> None:
    """Rows of this schema; no schema changes, and no other schema."""
    migrate(server.administrator)

    done = server.ensure()

    assert done[0] == "User APP created; it requires TLS"
    assert server.has_least_rights
    engine = server.engine(server.name, PASSWORD)
    migrate(engine)  # as a worker does at start; there is nothing to migrate
    claim = Claim(JobRequest(request_id="req_1"), "ID:1", "documents", "one")
    assert MysqlJobStore(engine).claim(claim) == Granted(1)
    for statement in ("DROP TABLE jobs", "SELECT * FROM mysql.user"):
        with pytest.raises(Exception, match="denied"), engine.connect() as connection:
            connection.execute(text(statement))
    engine.dispose()


def test_a_user_can_log_in_with_tls_only(server: Server) -> None:
    """The password never crosses the network unencrypted."""
    server.ensure()
    login = {"host": "127.0.0.1", "port": server.database.port}
    login |= {"user": server.name, "password": PASSWORD}

    with pymysql.connect(**login) as connection, connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        found = cursor.fetchone()

    assert found
    assert found[1]
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        pymysql.connect(**login, ssl_disabled=True)


def test_a_correct_user_is_unchanged(server: Server) -> None:
    """The command is safe to run with every release."""
    server.ensure()
    before = server.tell("SHOW CREATE USER {user}")

    done = server.ensure()

    assert done[:2] == ["User APP is unchanged", "Rights of APP are unchanged"]
    assert server.tell("SHOW CREATE USER {user}") == before


def test_a_new_password_replaces_the_old_one(server: Server) -> None:
    """Workers read the parameter again after a refused login."""
    server.ensure()

    done = server.ensure(NEW_PASSWORD)

    assert done[0] == "User APP changed to log in with the new password"
    with server.engine(server.name, NEW_PASSWORD).connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1
    with pytest.raises(Exception, match="denied"):
        server.engine(server.name, PASSWORD).connect()


@pytest.mark.parametrize(
    "drift",
    [
        "GRANT ALL ON *.* TO {user} WITH GRANT OPTION",
        "GRANT DROP ON mysql.* TO {user}",
        "REVOKE DELETE ON `SCHEMA`.* FROM {user}",
    ],
    ids=["everything", "another schema", "too little"],
)
def test_drifted_rights_are_corrected(server: Server, drift: str) -> None:
    """Manual changes are reverted."""
    server.ensure()
    server.tell(drift.replace("SCHEMA", server.schema))
    assert not server.has_least_rights

    done = server.ensure()

    assert done[1].endswith("and no other right")
    assert server.has_least_rights


def test_a_user_without_tls_is_changed_to_require_it(server: Server) -> None:
    """Also one that was created manually with the right password."""
    server.tell(f"CREATE USER {{user}} IDENTIFIED BY '{PASSWORD}'")

    done = server.ensure()

    assert done[0] == "User APP changed to require TLS"
    assert "REQUIRE SSL" in str(server.tell("SHOW CREATE USER {user}"))


def test_a_right_that_cannot_be_revoked_is_an_error(server: Server) -> None:
    """The user is a proxy for another one; only an administrator can decide about that."""
    server.ensure()
    # as GRANT PROXY does, which needs a user that is a proxy for all others
    row = f"'%', '{server.name}', '%', 'somebody', 0, '', NOW()"
    server.tell(f"INSERT INTO mysql.proxies_priv VALUES ({row})")
    server.tell("FLUSH PRIVILEGES")

    with pytest.raises(SettingsError, match="still has PROXY"):
        server.ensure()


def test_login_by_iam_is_for_rds_mysql(server: Server) -> None:
    """MariaDB lacks the plugin, so the test can only check the error."""
    with pytest.raises(SettingsError, match="only RDS MySQL"):
        server.ensure(None)


def test_a_worker_waits_for_a_schema_that_it_may_not_create(server: Server) -> None:
    """The log names the command, and the worker continues once it has run."""
    server.ensure()
    engine = server.engine(server.name, PASSWORD)

    with pytest.raises(TemporaryError, match="grader database-user"):
        migrate(engine)

    migrate(server.administrator)
    migrate(engine)
    engine.dispose()


def test_the_user_of_the_api_can_only_read(server: Server) -> None:
    """One table; a fault in the API changes no result, and shows no URL of a webhook."""
    migrate(server.administrator)
    reader = ReaderUser(server.name, server.database.name, PASSWORD)
    server.tell("CREATE USER {user} IDENTIFIED BY 'another-Password-1'")
    server.tell(f"GRANT SELECT, INSERT ON `{server.schema}`.* TO {{user}}")

    done = ensure_user(server.administrator, server.login, reader)
    again = ensure_user(server.administrator, server.login, reader)

    name, schema = server.name, server.database.name
    rights = f"SELECT on jobs of {schema}"
    assert done[-2] == f"User {name} has {rights} and no other right"
    assert again[:2] == [f"User {name} is unchanged", f"Rights of {name} are unchanged"]
    engine = server.engine(name, PASSWORD)
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT COUNT(*) FROM jobs")) == 0
    for statement in (
        "INSERT INTO jobs (request_id) VALUES ('req_1')",
        "UPDATE jobs SET status = 'completed'",
        "DELETE FROM jobs",
        "DROP TABLE jobs",
        "CREATE TABLE more (a INT)",
        "SELECT * FROM webhook_deliveries",
        "SELECT * FROM alembic_version",
        "SELECT * FROM mysql.user",
        "SELECT 1 INTO OUTFILE '/tmp/grader-reader'",
    ):
        with pytest.raises(Exception, match=r"denied|Access"), engine.connect() as connection:
            connection.execute(text(statement))
    engine.dispose()
    with pytest.raises(pymysql.err.OperationalError, match="denied"):
        pymysql.connect(
            host="127.0.0.1",
            port=server.database.port,
            user=name,
            password=PASSWORD,
            ssl_disabled=True,
        )


def test_a_worker_that_becomes_a_reader_loses_its_rights(server: Server) -> None:
    """And the other way round; what a user has follows from what it is for."""
    migrate(server.administrator)
    server.ensure()
    reader = ReaderUser(server.name, server.database.name, PASSWORD)

    ensure_user(server.administrator, server.login, reader)
    assert not server.has_least_rights
    server.ensure()

    assert server.has_least_rights
