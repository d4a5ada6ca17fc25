"""`grader database-user`: creates the worker's database user as the administrator."""

from __future__ import annotations

from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.users import ApplicationUser, ensure_user
from grader.adapters.ssm import open_parameter_store
from grader.errors import SettingsError, TemporaryError
from grader.logs import Logger, Redactor
from grader.migrations import migrate
from grader.settings import DatabaseUserSettings
from grader.worker.parameters import Parameters, parameter_names
from grader.worker.retry import Retrier


def make_database_user(
    settings: DatabaseUserSettings, *, by_iam: bool, retrier: Retrier, redactor: Redactor
) -> None:
    """
    Migrate the schema, and create or correct the worker's database user.

    Retries while SSM or the database is unreachable; logs each change.

    Args:
        settings: From the environment variables.
        by_iam: The user logs in with an IAM token instead of a password.
        retrier: Repeats calls to both, and has the log.
        redactor: Masks the passwords in the log.

    Raises:
        SettingsError: The user has no password, is the administrator, or has a right that cannot be
            revoked.
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
    password = None if by_iam else parameters["db_password"]
    user = ApplicationUser(parameters["db_username"], administrator.name, password)
    if user.name == administrator.user:
        raise SettingsError(
            f"{user.name} is the administrator and cannot be the worker's user",
            where="database",
            next_step="set DB_USERNAME_PARAM to the parameter of another user",
        )
    engine = open_engine(lambda: administrator, connections=1)
    try:
        retrier.call("database", lambda: migrate(engine), (TemporaryError,))
        retrier.log.info("Schema is up to date")
        _say(retrier.log, ensure_user(engine, administrator, user))
    finally:
        engine.dispose()


def _read(
    settings: DatabaseUserSettings, *, by_iam: bool, retrier: Retrier, redactor: Redactor
) -> Parameters:
    names = parameter_names(settings.model_dump())
    if by_iam:
        names.pop("db_password", None)
    elif "db_password" not in names:
        raise SettingsError(
            "DB_PASSWORD_PARAM: is not set",
            where="environment variables",
            next_step="set it, or pass --iam",
        )
    parameters = Parameters(open_parameter_store(settings.aws_region), names, redactor)
    retrier.call("parameters", parameters.refresh, (TemporaryError,))
    return parameters


def _say(log: Logger, sentences: list[str]) -> None:
    for each in sentences:
        log.info(each)
