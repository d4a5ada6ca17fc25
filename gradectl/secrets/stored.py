"""Lists, checks, stores and shows the secrets of an environment."""

from __future__ import annotations

import os
import secrets as random
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gradectl.adapters.aws.account import Aws
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, RefusedError
from gradectl.secrets.catalogue import (
    NeededParameter,
    ParameterState,
    check_value,
    has_broker,
    needed_parameters,
)
from gradectl.secrets.passwords import generate, generate_webhook_secret
from grader.contract.names import parameter_name

_MOST_BYTES = 8192  # of an SSM parameter
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def observe(aws: Aws, environment: Environment) -> list[ParameterState]:
    """
    Compare the parameters that an environment needs with Parameter Store; reads no value.

    Args:
        aws: The account.
        environment: The environment.
    """
    needed = needed_parameters(environment.name, environment.variables)
    found = aws.parameter_store.describe([each.name for each in needed])
    return [ParameterState(each, found.get(each.name)) for each in needed]


@dataclass(frozen=True)
class Seeded:
    """A stored secret."""

    parameter: NeededParameter
    version: int
    created: bool


def seed(
    aws: Aws,
    environment: Environment,
    wanted: Sequence[ParameterState],
    value_of: Callable[[NeededParameter], str],
) -> list[Seeded]:
    """
    Store secrets.

    Args:
        aws: The account.
        environment: The environment.
        wanted: The secrets to store; those that exist are overwritten.
        value_of: Gives the value of a secret.

    Raises:
        RefusedError: Terraform still has to create them.
        ConfigurationError: The engine would not accept a value; nothing was stored.
    """
    _check_applied(aws, environment)
    values = {each.needed.name: value_of(each.needed) for each in wanted}
    for each in wanted:
        check_value(each.needed, values[each.needed.name])
    key_id = environment.variables.get("kms_key_arn")
    return [
        Seeded(
            each.needed,
            aws.parameter_store.write_secret(
                each.needed.name, values[each.needed.name], current=each.found, key_id=key_id
            ),
            each.found is None,
        )
        for each in wanted
    ]


def _check_applied(aws: Aws, environment: Environment) -> None:
    """Refuse before the first apply: Terraform fails on parameters that exist already."""
    part, key = (
        ("mq", "broker-endpoint") if has_broker(environment.variables) else ("db", "endpoint")
    )
    name = parameter_name(environment.name, part, key)
    if not aws.parameter_store.describe([name]):
        raise RefusedError(
            "this environment has not been applied yet: Terraform creates the parameters, and"
            " would fail on one that exists",
            where=name,
            next_step=f"gradectl apply {environment.name} generates the passwords; to choose one"
            " now, set TF_VAR_mq_admin_password, TF_VAR_mq_user_passwords, TF_VAR_db_admin_password"
            ", TF_VAR_db_application_password or TF_VAR_db_web_password for it",
        )


def generated(parameter: NeededParameter) -> str:
    """
    Generate a value that every engine accepts.

    Raises:
        ConfigurationError: Only its receivers can say what it is.
    """
    if parameter.part != "webhook":
        return generate(random.choice)
    if parameter.key == "secret":
        return generate_webhook_secret()
    raise ConfigurationError(
        "headers of receivers of webhooks cannot be generated",
        where=parameter.name,
        next_step="pass them as JSON, with --stdin or --file",
    )


def trimmed(text: str) -> str:
    """Remove the line end that an editor or `echo` adds."""
    return text.removesuffix("\n").removesuffix("\r")


def read_secret_file(path: Path) -> str:
    """
    Read a secret from a file.

    Args:
        path: A regular file that only its owner can read.

    Raises:
        RefusedError: Other users can read or change it, or own it.
        ConfigurationError: It cannot be read, is not a regular file, or is too large.
    """
    try:
        # without blocking, because a pipe has no end until someone opens its other side
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            _check_private(path, os.fstat(file.fileno()))
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            text = f"the file has more than {_MOST_BYTES} bytes"
            raise ConfigurationError(text, where=str(path), next_step="use a file with the value")
        return trimmed(content.decode())
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigurationError(
            f"cannot read the file: {reason}", where=str(path), next_step="check the path"
        ) from None


def _check_private(path: Path, status: os.stat_result) -> None:
    """Check the type, the owner and the mode of an open file."""
    if not stat.S_ISREG(status.st_mode):
        hint = "use a regular file, or --stdin"
        raise ConfigurationError("not a regular file", where=str(path), next_step=hint)
    if status.st_mode & _OTHERS or status.st_uid not in (0, os.geteuid()):
        mode = stat.S_IMODE(status.st_mode)
        raise RefusedError(
            f"other users can read or change this file (mode {mode:04o}), so treat its content"
            " as known to them",
            where=str(path),
            next_step=f"choose a new value, and store it with: install -m 600 /dev/null {path}",
        )
