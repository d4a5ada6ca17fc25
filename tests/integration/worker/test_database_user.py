"""`grader database-user`, run as its own task."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pymysql
import pytest
from forked_script import GRADER

pytestmark = pytest.mark.engine

PASSWORD = "a-Password-of-the-application-1"


@pytest.fixture
def user(world: Any) -> Iterator[str]:
    """A user name for the worker; dropped after the test."""
    name = f"app_{uuid.uuid4().hex[:12]}"
    database = world.database
    environment = world.environment["ENVIRONMENT"]
    world.set_parameter("db-app/username", name)
    world.set_parameter("db-app/password", PASSWORD)
    world.environment |= {
        "DB_ADMIN_USERNAME_PARAM": world.environment["DB_USERNAME_PARAM"],
        "DB_ADMIN_PASSWORD_PARAM": world.environment["DB_PASSWORD_PARAM"],
        "DB_USERNAME_PARAM": f"/{environment}/db-app/username",
        "DB_PASSWORD_PARAM": f"/{environment}/db-app/password",
    }
    yield name
    login = {"host": "127.0.0.1", "port": database.port}
    with (
        pymysql.connect(**login, user=database.user, password=database.password) as connection,
        connection.cursor() as cursor,
    ):
        cursor.execute(f"DROP USER IF EXISTS '{name}'@'%'")


@pytest.fixture
def run(world: Any) -> Callable[..., tuple[int, str]]:
    """Run the command; returns exit code and output."""

    def run(*options: str) -> tuple[int, str]:
        process = world.start(GRADER, "database-user", *options)
        return process.ended(), "\n".join(process.lines)

    return run


def test_the_schema_and_the_user_are_made_and_a_worker_works_as_it(
    world: Any, user: str, run: Callable[..., tuple[int, str]]
) -> None:
    """One command before the first worker; the output never has the password."""
    status, said = run()
    again, said_again = run()

    assert (status, again) == (0, 0), said
    assert "Schema is up to date" in said
    assert f"User {user} created" in said
    assert f"{user} can log in to {world.database.name}" in said
    assert f"User {user} is unchanged" in said_again
    assert PASSWORD not in said + said_again
    worker = world.start()
    worker.wait_for("Worker started")
    request_id = world.submit()
    assert world.result().request_id == request_id


def test_the_administrator_is_never_made_an_application(
    world: Any, user: str, run: Callable[..., tuple[int, str]]
) -> None:
    """The administrator would lose the rights it needs for the next run."""
    del user
    world.set_parameter("db-app/username", world.database.user)

    status, said = run()

    assert status == 78
    assert "is the administrator" in said


def test_a_password_is_needed_unless_the_user_logs_in_by_iam(
    world: Any, user: str, run: Callable[..., tuple[int, str]]
) -> None:
    """A missing variable does not change the login method."""
    del user, world.environment["DB_PASSWORD_PARAM"]

    status, said = run()
    by_iam, said_of_iam = run("--iam")

    assert status == 78
    assert "DB_PASSWORD_PARAM: is not set" in said
    assert by_iam == 78
    assert "only RDS MySQL supports IAM logins" in said_of_iam


def test_the_user_of_the_api_is_made_too(
    world: Any, user: str, run: Callable[..., tuple[int, str]]
) -> None:
    """Where its parameters are set; it must be another one than the worker's."""
    environment = world.environment["ENVIRONMENT"]
    reader = f"web_{uuid.uuid4().hex[:12]}"
    world.set_parameter("db-web/username", reader)
    world.set_parameter("db-web/password", PASSWORD + "-web")
    world.environment["DB_READER_USERNAME_PARAM"] = f"/{environment}/db-web/username"

    status, said = run()
    assert (status, "DB_READER_PASSWORD_PARAM: is not set" in said) == (78, True)
    world.environment["DB_READER_PASSWORD_PARAM"] = f"/{environment}/db-web/password"
    status, said = run()
    assert status == 0, said
    assert f"User {user} created" in said
    assert f"User {reader} has SELECT on jobs of" in said
    assert PASSWORD not in said
    world.set_parameter("db-web/username", user)
    status, said = run()
    assert status == 78
    assert "is the worker's user and cannot be the user of the API" in said
    login = {"host": "127.0.0.1", "port": world.database.port}
    administrator = {"user": world.database.user, "password": world.database.password}
    with pymysql.connect(**login, **administrator) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP USER IF EXISTS '{reader}'@'%'")
