"""
Gives secrets new values: SSM first, then the engine, then the programs that use them.

The order loses no message. A worker that is connected keeps its connection until the broker
reboots; the broker keeps all messages and returns those that were not acknowledged. A worker whose
old password is refused afterwards reads SSM again, which has had the new one since before the
reboot. When something fails in between, SSM has the wanted value, and `gradectl broker-users sync`
finishes the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradectl.adapters.aws.account import Aws
from gradectl.environment import Environment
from gradectl.errors import ConfigurationError, EndingError, RefusedError, TryAgainError
from gradectl.monitoring.names import ResourceNames
from gradectl.rollouts.migration import migrate_database, plan_migration
from gradectl.rollouts.polling import MakePause, pauses
from gradectl.rollouts.rollout import redeploy_workers
from gradectl.secrets.broker_user_changes import apply_changes
from gradectl.secrets.broker_user_plan import group_of
from gradectl.secrets.catalogue import NeededParameter, ParameterState, has_broker
from gradectl.secrets.named_users import NamedUser, observe_named_users
from gradectl.secrets.redis_token import sync_redis_token
from gradectl.secrets.stored import generated
from gradectl.ui import Ui
from grader.contract.names import parameter_name

_BROKER_PART = "mq"
_REDIS_PART, _WEBHOOK_PART = "redis", "webhook"
_DATABASE_PARTS = ("db-app", "db-web")  # users that a task creates and corrects
_API_PARTS = ("db-web", "mq-web", _REDIS_PART)
_WAIT_SECONDS = 900.0


@dataclass(frozen=True)
class Rotation:
    """
    A rotation that is ready to start.

    Attributes:
        environment: The environment.
        states: The secrets that get new values.
        broker_id: The broker, when a secret belongs to one of its users.
        users: The users of the broker that get new passwords.
        restarts_workers: Whether the workers use one of the secrets.
    """

    environment: Environment
    states: tuple[ParameterState, ...]
    broker_id: str | None
    users: tuple[NamedUser, ...]
    restarts_workers: bool

    @property
    def changes_database(self) -> bool:
        """Whether the database user of the workers or of the API gets a new password."""
        return any(each.needed.part in _DATABASE_PARTS for each in self.states)

    @property
    def changes_redis(self) -> bool:
        """Whether Redis gets a new token."""
        return any(each.needed.part == _REDIS_PART for each in self.states)

    @property
    def concerns_api(self) -> bool:
        """Whether the HTTP API logs in with one of the secrets."""
        uses = any(each.needed.part in _API_PARTS for each in self.states)
        return uses and bool(self.environment.variables.get("enable_api"))

    @property
    def effects(self) -> list[str]:
        """What else happens besides the new values, as sentences."""
        said = []
        if self.users:
            said.append("the broker reboots once, for about five minutes; it keeps all messages")
        if self.changes_database:
            said.append("a task changes the password of the database's user")
        if self.changes_redis:
            said.append("Redis gets the token; clients that are connected stay connected")
        if any(each.needed.part == _WEBHOOK_PART for each in self.states):
            said.append("webhooks are signed with both the new and the former secret")
        if self.concerns_api:
            said.append(
                "the HTTP API reads the new value once a login is refused, and goes on running"
            )
        if self.restarts_workers:
            said.append("the workers are replaced; running jobs finish first")
        return said


@dataclass(frozen=True)
class Rotated:
    """The new version of each secret, and what else was done."""

    versions: dict[str, int]
    broker_rebooted: bool
    workers_replaced: bool


def is_broker_secret(needed: NeededParameter) -> bool:
    """Whether a secret is the password of a user of the broker."""
    return needed.secret and needed.part.partition("-")[0] == _BROKER_PART


def plan_rotation(aws: Aws, environment: Environment, states: Sequence[ParameterState]) -> Rotation:
    """
    Check that the secrets can be rotated; changes nothing.

    Args:
        aws: The account.
        environment: The environment.
        states: The secrets.

    Raises:
        ConfigurationError: A secret is missing, or its engine cannot be changed from here.
        TryAgainError: The broker is not running.
    """
    for state in states:
        _check(environment, state)
    passwords = [each.needed for each in states if is_broker_secret(each.needed)]
    broker_id = _running_broker(aws, environment) if passwords else None
    users = broker_users(aws, environment, passwords)
    names = ResourceNames.of(environment)
    container = aws.tasks.worker_container(names.cluster, names.service)
    used = set(container.environment.values()) if container else set()
    restarts = any(each.needed.name in used for each in states)
    return Rotation(environment, tuple(states), broker_id, users, restarts)


def _check(environment: Environment, state: ParameterState) -> None:
    """Refuse a secret that cannot be rotated."""
    if state.problem:
        raise ConfigurationError(
            f"cannot rotate it: {state.problem}",
            where=state.needed.name,
            next_step=f"gradectl secrets check {environment.name}",
        )
    if (state.needed.part, state.needed.key) == (_WEBHOOK_PART, "headers"):
        raise RefusedError(
            "the headers of receivers cannot be generated",
            where=state.needed.name,
            next_step=f"gradectl secrets seed {environment.name} webhook/headers --overwrite"
            " --file headers.json",
        )
    if state.needed.part == "db":
        raise RefusedError(
            "the password of the database's administrator is changed by Terraform, because RDS"
            " takes it from there",
            where=state.needed.name,
            next_step="raise db_admin_password_version in environment.yaml, set"
            f" TF_VAR_db_admin_password, and run: gradectl apply {environment.name}",
        )


def _running_broker(aws: Aws, environment: Environment) -> str:
    """Find the broker of an environment, which must be running."""
    broker_id = find_broker(aws, environment)
    broker = aws.brokers.get(broker_id)
    if not broker.ready:
        raise TryAgainError(
            f"the broker is {broker.state}",
            where=f"broker {broker.name}",
            next_step="wait until it is RUNNING, and run it again",
        )
    return broker_id


def find_broker(aws: Aws, environment: Environment) -> str:
    """
    Find the broker of an environment by its name.

    Raises:
        ConfigurationError: There is none, as on Amazon SQS or with an existing broker of another
            team.
    """
    if not has_broker(environment.variables):
        raise ConfigurationError(
            "this environment uses Amazon SQS: it has no broker, and no users of one",
            where=environment.name,
            next_step=f"gradectl status {environment.name}",
        )
    name = ResourceNames.of(environment).broker
    broker_id = aws.brokers.find(name)
    if broker_id is None:
        raise ConfigurationError(
            "this environment has no broker of its own, so its passwords cannot be set from here",
            where=f"broker {name}",
            next_step="change the password where the broker is managed, then: gradectl secrets"
            f" seed {environment.name} mq --overwrite",
        )
    return broker_id


def broker_users(
    aws: Aws, environment: Environment, passwords: Sequence[NeededParameter]
) -> tuple[NamedUser, ...]:
    """
    Read the names of broker users from SSM.

    Args:
        aws: The account.
        environment: The environment.
        passwords: The parameters of their passwords.
    """
    names = {
        each.name: parameter_name(environment.name, each.part, "username") for each in passwords
    }
    users = aws.parameters(list(names.values()))
    return tuple(
        NamedUser(users[username], password, group_of(password), tagged_by_name=False)
        for password, username in names.items()
    )


def rotate(aws: Aws, ui: Ui, rotation: Rotation, *, make_pause: MakePause = pauses) -> Rotated:
    """
    Give the secrets new values, and wait until everything uses them.

    Args:
        aws: The account.
        ui: The terminal.
        rotation: From `plan_rotation`.
        make_pause: Makes the pauses between two polls.

    Raises:
        EndingError: A step failed or was stopped; the error says how to finish.
    """
    versions: dict[str, int] = {}
    try:
        for state in rotation.states:
            versions[state.needed.name] = _write_new(aws, ui, state)
        rebooted = _put_into_effect(aws, ui, rotation, make_pause)
    except EndingError as error:
        if versions:
            _explain(error, rotation)
        raise
    return Rotated(versions, rebooted, rotation.restarts_workers)


def _write_new(aws: Aws, ui: Ui, state: ParameterState) -> int:
    """Write a generated value to SSM; returns its version."""
    value = generated(state.needed)
    if state.needed.part == _WEBHOOK_PART:  # receivers get to know the new one at their own time
        former = aws.parameters([state.needed.name])[state.needed.name]
        value = f"{value} {former.split()[0]}"
    version = aws.parameter_store.write_secret(state.needed.name, value, current=state.found)
    ui.say(f"{state.needed.name}: version {version}")
    return version


def _put_into_effect(aws: Aws, ui: Ui, rotation: Rotation, make_pause: MakePause) -> bool:
    """Change the engines, then replace the workers; returns whether the broker was rebooted."""
    rebooted = False
    if rotation.broker_id:
        observed = observe_named_users(aws, rotation.broker_id, rotation.users)
        rebooted = apply_changes(aws, ui, observed, make_pause=make_pause)
    if rotation.changes_redis:
        name = rotation.environment.name
        group_id = ResourceNames.of(rotation.environment).redis
        token = parameter_name(name, _REDIS_PART, "password")
        outputs = {"redis_replication_group_id": group_id, "redis_password_parameter": token}
        sync_redis_token(aws, ui, outputs, make_pause=make_pause)
    if rotation.changes_database:
        migration = plan_migration(aws, rotation.environment)
        migrate_database(aws, ui, migration, _WAIT_SECONDS, make_pause=make_pause)
    if rotation.restarts_workers:
        names = ResourceNames.of(rotation.environment)
        where = (names.cluster, names.service)
        redeploy_workers(aws, ui, *where, _WAIT_SECONDS, make_pause=make_pause)
    return rebooted


def _explain(error: EndingError, rotation: Rotation) -> None:
    """Say that SSM is ahead, and which commands finish the rotation."""
    name = rotation.environment.name
    finish = [f"gradectl broker-users sync {name}"] if rotation.broker_id else []
    finish += [f"gradectl apply {name}"] if rotation.changes_redis else []
    finish += [f"gradectl db migrate {name}"] if rotation.changes_database else []
    error.what = f"SSM has new values, but not everything uses them yet: {error.what}"
    error.next_step = "; ".join([*filter(None, [error.next_step]), *finish])
