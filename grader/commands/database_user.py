"""`grader database-user`: creates the database users of worker and API as the administrator."""

from __future__ import annotations

from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.users import ApplicationUser, ReaderUser, ensure_user
from grader.adapters.ssm import open_parameter_store
from grader.errors import SettingsError, TemporaryError
from grader.logs import Logger, Redactor
from grader.migrations import migrate
from grader.settings import DatabaseUserSettings
from grader.worker.parameters import Parameters, parameter_names
from grader.worker.retry import Retrier

#: Key of the users' parameters -> class of the user.
_USERS = {"db": ApplicationUser, "db_reader": ReaderUser}


def make_database_user(
    settings: DatabaseUserSettings, *, by_iam: bool, retrier: Retrier, redactor: Redactor
) -> None:
    """
    Migrate the schema, and create or correct the database users of the worker and of the API.

    Retries while SSM or the database is unreachable; logs each change.

    Args:
        settings: From the environment variables.
        by_iam: The users log in with an IAM token instead of a password.
        retrier: Repeats calls to both, and has the log.
        redactor: Masks the passwords in the log.

    Raises:
        SettingsError: A user has no password, is the administrator or the other user, or has a
            right that cannot be revoked.
        AccessError: Reading the parameters is not allowed, or the administrator lacks a right.
        TemporaryError: The database failed.
    """
    parameters = _read(settings, by_iam=by_iam, retrier=retrier, redactor=redactor)
    administrator = DatabaseLogin(
        endpoint=parameters["db_endpoint"],
        name=parameters["db_name"],
        user=parameters["db_admin_username"],
        password=parameters["db_admin_password"],
        ca_file=settings.db_ca_file,
    )
    users = [
        kind(
            parameters[f"{key}_username"],
            administrator.name,
            None if by_iam else parameters[f"{key}_password"],
        )
        for key, kind in _USERS.items()
        if _has_user(settings, key)
    ]
    _check_names(administrator, users)
    engine = open_engine(lambda: administrator, connections=1)
    try:
        retrier.call("database", lambda: migrate(engine), (TemporaryError,))
        retrier.log.info("Schema is up to date")
        for user in users:
            _say(retrier.log, ensure_user(engine, administrator, user))
    finally:
        engine.dispose()


def _has_user(settings: DatabaseUserSettings, key: str) -> bool:
    return bool(getattr(settings, f"{key}_username_param"))


def _check_names(administrator: DatabaseLogin, users: list[ApplicationUser]) -> None:
    """Refuse to take rights from a user that needs them."""
    taken = {administrator.user: "the administrator"}
    variables = ("DB_USERNAME_PARAM", "DB_READER_USERNAME_PARAM")
    for user, variable in zip(users, variables, strict=False):
        if user.name in taken:
            role = "the worker's user" if variable == variables[0] else "the user of the API"
            raise SettingsError(
                f"{user.name} is {taken[user.name]} and cannot be {role}",
                where="database",
                next_step=f"set {variable} to the parameter of another user",
            )
        taken[user.name] = "the worker's user"


def _read(
    settings: DatabaseUserSettings, *, by_iam: bool, retrier: Retrier, redactor: Redactor
) -> Parameters:
    names = parameter_names(settings.model_dump())
    for key in _USERS:
        password = f"{key}_password"
        if by_iam:
            names.pop(password, None)
        elif _has_user(settings, key) and password not in names:
            raise SettingsError(
                f"{password.upper()}_PARAM: is not set",
                where="environment variables",
                next_step="set it, or pass --iam",
            )
    parameters = Parameters(open_parameter_store(settings.aws_region), names, redactor)
    retrier.call("parameters", parameters.refresh, (TemporaryError,))
    return parameters


def _say(log: Logger, sentences: list[str]) -> None:
    for each in sentences:
        log.info(each)
