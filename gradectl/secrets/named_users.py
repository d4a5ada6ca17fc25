"""
Sets the passwords of named users of a broker.

It needs no Terraform of ours: the users come from the outputs of any root, from options, or from
the parameters of an environment.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.account import Aws
from gradectl.adapters.aws.models import KnownUser
from gradectl.errors import ConfigurationError
from gradectl.rollouts.redeploy import WorkerService, service_of
from gradectl.secrets.broker_user_changes import ObservedUsers, compared
from gradectl.secrets.broker_user_plan import WantedUser, plan_users

_ENGINE = "ACTIVEMQ"
_USERS = "output broker_users"


@dataclass(frozen=True)
class NamedUser:
    """
    A user of a broker.

    Attributes:
        name: User name.
        parameter: SSM parameter of its password; None for a user that no one should log in as.
        group: Its `grading-*` group; None leaves its groups unchanged.
        tagged_by_name: See `WantedUser`.
    """

    name: str
    parameter: str | None
    group: str | None = None
    tagged_by_name: bool = True


def observe_named_users(aws: Aws, broker_id: str, users: Sequence[NamedUser]) -> ObservedUsers:
    """
    Read the broker, and plan its changes; changes nothing.

    Args:
        aws: The account.
        broker_id: The broker.
        users: Its users. Others are left unchanged, see `unnamed`.

    Raises:
        ConfigurationError: The broker is not an ActiveMQ, a parameter is missing or not a
            SecureString, or a missing user has no group.
    """
    broker = aws.brokers.get(broker_id)
    if broker.engine != _ENGINE:
        text = f"Amazon MQ cannot change users of {broker.engine}"
        hint = "set the passwords in the management console of the broker"
        raise ConfigurationError(text, where=f"broker {broker.name}", next_step=hint)
    known = aws.brokers.users(broker)
    versions = _versions(aws, users)
    wanted = [
        compared(
            aws,
            broker,
            WantedUser(
                each.name,
                each.parameter or "",
                versions.get(each.parameter or "", 0),
                each.group,
                tagged_by_name=each.tagged_by_name,
            ),
        )
        for each in users
        if each.parameter or each.name in known
    ]
    _check_groups(wanted, known)
    return ObservedUsers(broker, known, plan_users(wanted, known, broker.tags, complete=False))


def unnamed(observed: ObservedUsers, users: Sequence[NamedUser]) -> list[str]:
    """The users of the broker whose passwords stay those that they were created with."""
    return sorted(set(observed.known) - {each.name for each in users})


def _versions(aws: Aws, users: Sequence[NamedUser]) -> dict[str, int]:
    """Read the versions of the parameters; refuse those that cannot be a password."""
    names = [each.parameter for each in users if each.parameter]
    found = aws.parameter_store.describe(names)
    problems = [f"{name}: does not exist" for name in names if name not in found]
    problems += [
        f"{name}: is a {info.kind}, not a SecureString"
        for name, info in sorted(found.items())
        if not info.encrypted
    ]
    if problems:
        raise ConfigurationError(
            "\n".join(problems),
            where="SSM Parameter Store",
            next_step="map each user to the SecureString with its password",
        )
    return {name: info.version for name, info in found.items()}


def _check_groups(wanted: Sequence[WantedUser], known: Mapping[str, KnownUser]) -> None:
    """A user without a group could log in, and would have no rights."""
    for user in wanted:
        if user.name not in known and user.group is None:
            raise ConfigurationError(
                f"the broker has no user {user.name!r}, and its group is not known",
                where=_USERS,
                next_step=f"name the group: --user {user.name}={user.parameter}:grading-workers",
            )


def parse_user(text: str) -> NamedUser:
    """
    Parse `NAME=PARAMETER` or `NAME=PARAMETER:GROUP`.

    Raises:
        ConfigurationError: It has another form.
    """
    name, equals, source = text.partition("=")
    parameter, _, group = source.partition(":")
    if not (name and equals and parameter.startswith("/")):
        raise ConfigurationError(
            f"{text!r} is not a user with the parameter of its password",
            where="--user",
            next_step="write --user worker=/exams/worker/mq-password",
        )
    return NamedUser(name, parameter, group or None)


@dataclass(frozen=True)
class RootOutputs:
    """
    The outputs of a root that say which users its broker has.

    Attributes:
        broker_id: The broker.
        users: Its users.
        account_id: Its account, where an output has it.
        region: Its region, where an output has it.
        workers: The service of its workers, where outputs have it.
    """

    broker_id: str
    users: tuple[NamedUser, ...]
    account_id: str | None = None
    region: str | None = None
    workers: WorkerService | None = None


def parse_outputs(document: Any, where: str) -> RootOutputs:  # noqa: ANN401 - JSON of a file
    """
    Read the outputs of a root: `broker_id`, `broker_users` and, if they exist, `broker_arn` and
    those of `service_of`.

    Args:
        document: The document of `terraform output -json`.
        where: The file, for errors.

    Raises:
        ConfigurationError: An output is missing or has another form.
    """
    hint = "write the file with: terraform output -json"
    if not isinstance(document, dict) or not all(
        isinstance(each, dict) and "value" in each for each in document.values()
    ):
        text = "these are not the outputs of a root"
        raise ConfigurationError(text, where=where, next_step=hint)
    values = {name: each["value"] for name, each in document.items()}
    arn = str(values.get("broker_arn") or "").split(":")
    broker_id = values.get("broker_id") or arn[-1]
    users = values.get("broker_users")
    if not (isinstance(broker_id, str) and broker_id and isinstance(users, dict) and users):
        raise ConfigurationError(
            "the outputs broker_id and broker_users are needed",
            where=where,
            next_step='add to the root: output "broker_users" { value = { worker = '
            "<name of the parameter>, admin = null } }; null stands for a user that no one"
            " should log in as",
        )
    named = tuple(_user(name, value, where) for name, value in sorted(users.items()))
    in_arn = arn if len(arn) >= 7 else ["", "", "", "", ""]  # noqa: PLR2004 - parts of a broker's ARN
    workers = service_of({**values, "environment_name": None})
    return RootOutputs(broker_id, named, in_arn[4] or None, in_arn[3] or None, workers)


def _user(name: str, value: object, where: str) -> NamedUser:
    """Read one entry of the output."""
    if value is None:
        return NamedUser(name, None)
    if not isinstance(value, str):
        raise ConfigurationError(
            f"broker_users: {name}: expected the name of a parameter, or null",
            where=where,
            next_step="use the names of SSM parameters, such as module.parameters.names",
        )
    return parse_user(f"{name}={value}")
