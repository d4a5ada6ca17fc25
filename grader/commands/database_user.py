"""The application's user of the database, made by the administrator and never by Terraform."""

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
    Bring the schema up to date, and make the user or set right what is wrong with it.

    Waits while SSM or the database is away; says in the log what was done.

    Args:
        settings: From the environment variables.
        by_iam: The user logs in by a token of IAM instead of a password.
        retrier: Waits, and has the log.
        redactor: Is told the passwords.

    Raises:
        SettingsError: There is no password for the user, the user is the administrator, or has a
            right that cannot be taken back.
        AccessError: The parameters may not be read, or the administrator may not do this.
        TemporaryError: The database does not do it.
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
            f"{user.name} is the administrator, who must keep all rights",
            where="database",
            next_step="let DB_USERNAME_PARAM name the parameter of another user",
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
    """Read the values behind the variables."""
    names = parameter_names(settings.model_dump())
    if by_iam:
        del names["db_password"]
    elif not names["db_password"]:
        raise SettingsError(
            "DB_PASSWORD_PARAM: is not set",
            where="environment variables",
            next_step="set it, or give --iam",
        )
    parameters = Parameters(open_parameter_store(settings.aws_region), names, redactor)
    retrier.call("parameters", parameters.refresh, (TemporaryError,))
    return parameters


def _say(log: Logger, sentences: list[str]) -> None:
    for each in sentences:
        log.info(each)
