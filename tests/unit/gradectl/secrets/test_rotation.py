"""A rotation writes SSM before it touches an engine, and says how to finish when it fails."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.account import AwsSettings
from gradectl.adapters.aws.brokers import MqBroker
from gradectl.adapters.aws.ecs_models import EcsDeployment, EcsService
from gradectl.adapters.aws.models import KnownUser, ParameterInfo, ServiceContainer, TaskState
from gradectl.environment import Environment
from gradectl.errors import (
    ConfigurationError,
    EndingError,
    GradectlError,
    RefusedError,
    StoppedError,
    TryAgainError,
)
from gradectl.secrets.catalogue import NeededParameter, ParameterState, needed_parameters
from gradectl.secrets.rotation import Rotated, find_broker, plan_rotation, rotate
from gradectl.ui import Ui

NOW = datetime(2026, 11, 29, tzinfo=UTC)
DEVELOPMENT = Environment(
    schema_version=1, name="dev", account_id="123456789012", region="eu-west-1"
)
USERS = {"mq": "admin", "mq-operator": "operator", "mq-web": "web", "mq-worker": "worker"}
DEFINITION = "arn:aws:ecs:eu-west-1:123456789012:task-definition/dev-grading-task:8"


class MemoryAccount:
    """An in-memory fake of an applied environment; it records each change in order."""

    def __init__(self, *, uses: str = "/dev/mq-worker/password", state: str = "RUNNING") -> None:
        self.settings = AwsSettings("eu-west-1", "123456789012")
        self.calls: list[str] = []
        self.written: dict[str, str] = {}
        self.fails_at = ""
        self.error: EndingError = GradectlError("throttled", next_step="wait")
        on = {"enable_redis": True, "enable_webhooks": True}
        self.versions = {each.name: 1 for each in needed_parameters("dev", on)}
        self.brokers = self.parameter_store = self.tasks = self
        self.services = SimpleNamespace(
            get=self._service, deploy=self._deploy, stopped_reasons=lambda *_: ()
        )
        self._uses, self._state, self._deployment = uses, state, "ecs-svc/1"

    def _change(self, call: str) -> None:
        if self.fails_at and self.fails_at in call:
            raise self.error
        self.calls.append(call)

    def states(self, *parts: str) -> list[ParameterState]:
        needed = [NeededParameter(f"/dev/{part}/password", part, "password") for part in parts]
        found = self.describe([each.name for each in needed])
        return [ParameterState(each, found[each.name]) for each in needed]

    def describe(self, names: list[str]) -> dict[str, ParameterInfo]:
        return {
            name: ParameterInfo(name, "SecureString", self.versions[name], NOW)
            for name in names
            if name in self.versions
        }

    def parameters(self, names: list[str]) -> dict[str, str]:
        return {
            name: USERS[name.split("/")[2]] if name.endswith("/username") else f"new {name}"
            for name in names
        }

    def parameter_at(self, name: str, version: int) -> str:
        return f"{name} {version}"

    def write_secret(self, name: str, value: str, *, current: ParameterInfo) -> int:
        assert len(value) == 40 or name.startswith("/dev/webhook/")
        self.written[name] = value
        self._change(f"ssm {name}")
        self.versions[name] = current.version + 1
        return self.versions[name]

    def find(self, name: str) -> str | None:
        return "b-1" if name == "dev-grading-mq" and self._state else None

    def get(self, _broker_id: str) -> MqBroker:
        users = tuple(USERS.values())
        return MqBroker("b-1", "dev-grading-mq", "arn", self._state, "ACTIVEMQ", users, {})

    def users(self, _broker: MqBroker) -> dict[str, KnownUser]:
        groups = ("admins", "operators", "web", "workers")
        return {
            name: KnownUser(name, frozenset([f"grading-{group}"]))
            for name, group in zip(USERS.values(), groups, strict=True)
        }

    def update_user(self, _broker: MqBroker, user: KnownUser, password: str) -> None:
        assert password.startswith("new ")
        self._change(f"user {user.name}")

    def reboot(self, _broker: MqBroker) -> None:
        self._change("reboot")

    def wait_until_ready(self, _broker_id: str, _pause: object) -> Any:
        return SimpleNamespace(ready=True)

    def tag(self, _broker: MqBroker, tags: dict[str, str]) -> None:
        self._change(f"tag {sorted(tags)}")

    def worker_container(self, _cluster: str, _service: str) -> ServiceContainer:
        return ServiceContainer("grading-worker", DEFINITION, {"PASSWORD_PARAM": self._uses}, None)

    def run(self, task: Any, _container: ServiceContainer) -> str:
        self._change(" ".join(task.command))
        return "arn"

    def state(self, *_: str) -> TaskState:
        return TaskState("STOPPED", True, 0, "")

    def _service(self, _cluster: str, name: str) -> EcsService:
        deployment = EcsDeployment(
            self._deployment, DEFINITION, rollout="COMPLETED", desired=2, running=2
        )
        return EcsService(name, 2, 2, task_definition=DEFINITION, deployments=(deployment,))

    def _deploy(self, *_: str) -> str:
        self._change("deploy")
        self._deployment = "ecs-svc/2"
        return self._deployment


def run(account: Any, *parts: str) -> Rotated:
    rotation = plan_rotation(account, DEVELOPMENT, account.states(*parts))
    assert account.calls == []
    return rotate(account, Ui("table", {}), rotation, make_pause=lambda _: lambda: True)


def test_ssm_comes_first_and_the_workers_last() -> None:
    """So a worker whose old password is refused finds the new one; one reboot for all users."""
    account = MemoryAccount()

    done = run(account, "mq-web", "mq-worker")

    assert account.calls == [
        "ssm /dev/mq-web/password",
        "ssm /dev/mq-worker/password",
        "user web",
        "user worker",
        "reboot",
        "tag ['gradectl:user:web', 'gradectl:user:worker']",
        "deploy",
    ]
    versions = {"/dev/mq-web/password": 2, "/dev/mq-worker/password": 2}
    assert done == Rotated(versions, broker_rebooted=True, workers_replaced=True)


def test_workers_that_do_not_use_a_secret_are_not_replaced() -> None:
    """Such as after a rotation of the web tier's password."""
    account = MemoryAccount()

    assert run(account, "mq-web").workers_replaced is False
    assert account.calls[-1].startswith("tag")


def test_the_application_user_is_changed_by_its_task() -> None:
    """The broker is not touched."""
    account = MemoryAccount(uses="/dev/db-app/password")

    run(account, "db-app")

    assert account.calls == ["ssm /dev/db-app/password", "grader database-user", "deploy"]


def test_redis_gets_its_token_before_the_workers_are_replaced() -> None:
    """A new worker logs in with the value in SSM."""
    account: Any = MemoryAccount(uses="/dev/redis/password")
    group = SimpleNamespace(ready=True, tags={"gradectl:token-version": "1"})
    account.caches = SimpleNamespace(
        get=lambda _name: group,
        change_token=lambda _group, _token, strategy: account.calls.append(f"token {strategy}"),
        tag=lambda _group, tags: account.calls.append(f"tag {tags}"),
    )
    account.parameter_version = lambda name: account.versions[name]
    environment = DEVELOPMENT.model_copy(update={"variables": {"enable_redis": True}})
    rotation = plan_rotation(account, environment, account.states("redis"))

    rotate(account, Ui("table", {}), rotation, make_pause=lambda _: lambda: True)

    assert account.calls == [
        "ssm /dev/redis/password",
        "token ROTATE",
        "token SET",
        "tag {'gradectl:token-version': '2'}",
        "deploy",
    ]


def webhook(account: MemoryAccount, key: str) -> ParameterState:
    """The state of a secret of webhooks."""
    name = f"/dev/webhook/{key}"
    return ParameterState(NeededParameter(name, "webhook", key), account.describe([name])[name])


def test_the_former_secret_of_webhooks_still_signs() -> None:
    """Receivers know only that until they are told the new one."""
    account: Any = MemoryAccount(uses="/dev/webhook/secret")
    rotation = plan_rotation(account, DEVELOPMENT, [webhook(account, "secret")])

    rotate(account, Ui("table", {}), rotation, make_pause=lambda _: lambda: True)

    new, former = account.written["/dev/webhook/secret"].split(" ")
    assert new.startswith("whsec_")
    assert former == "new"  # the first word of what was there
    assert account.calls == ["ssm /dev/webhook/secret", "deploy"]
    assert "webhooks are signed with both the new and the former secret" in rotation.effects


@pytest.mark.parametrize(("enabled", "part"), [(True, "mq-web"), (False, "mq-web"), (True, "mq")])
def test_the_api_is_not_replaced_but_mentioned(enabled: bool, part: str) -> None:
    """It reads the new value itself, as tests/integration/api/test_api_faults.py shows."""
    account: Any = MemoryAccount()
    environment = DEVELOPMENT.model_copy(update={"variables": {"enable_api": enabled}})

    rotation = plan_rotation(account, environment, account.states(part))

    said = any("the HTTP API reads the new value" in each for each in rotation.effects)
    assert said == (enabled and part == "mq-web")
    assert not rotation.restarts_workers


def test_headers_of_receivers_cannot_be_rotated() -> None:
    """Only the receivers can say what they are."""
    account: Any = MemoryAccount()

    with pytest.raises(RefusedError, match="cannot be generated") as caught:
        plan_rotation(account, DEVELOPMENT, [webhook(account, "headers")])

    assert "gradectl secrets seed dev webhook/headers --overwrite" in caught.value.next_step


@pytest.mark.parametrize("step", ["user worker", "reboot", "tag", "deploy"])
def test_a_failure_after_ssm_says_how_to_finish(step: str) -> None:
    """The rotation is not repeated: SSM has the wanted values."""
    account = MemoryAccount()
    account.fails_at = step

    with pytest.raises(GradectlError, match="SSM has new values") as caught:
        run(account, "mq-worker")

    assert caught.value.next_step == "wait; gradectl broker-users sync dev"


def test_an_interruption_says_how_to_finish_too() -> None:
    """Ctrl-C keeps its exit code."""
    account = MemoryAccount()
    account.fails_at, account.error = "reboot", StoppedError(2)

    with pytest.raises(StoppedError, match="SSM has new values") as caught:
        run(account, "mq-worker")

    assert caught.value.exit_code == 130
    assert "gradectl broker-users sync dev" in caught.value.next_step


def test_a_failure_before_the_first_write_changed_nothing() -> None:
    """The error is that of SSM."""
    account = MemoryAccount()
    account.fails_at = "ssm"

    with pytest.raises(GradectlError) as caught:
        run(account, "mq-worker")

    assert (caught.value.what, account.calls) == ("throttled", [])


def test_a_broker_that_is_not_running_is_left_alone() -> None:
    """A reboot during a maintenance would be lost."""
    account = MemoryAccount(state="REBOOT_IN_PROGRESS")

    with pytest.raises(TryAgainError, match="REBOOT_IN_PROGRESS"):
        run(account, "mq-worker")


def test_a_broker_of_another_team_is_left_alone() -> None:
    """SSM would then have a password that the broker does not have."""
    with pytest.raises(ConfigurationError, match="no broker of its own"):
        run(MemoryAccount(state=""), "mq-worker")


def test_the_administrator_of_the_database_is_left_to_terraform() -> None:
    """The error says how."""
    with pytest.raises(RefusedError, match="changed by Terraform") as caught:
        run(MemoryAccount(), "db")

    assert "db_admin_password_version" in caught.value.next_step


def test_a_missing_secret_cannot_be_rotated() -> None:
    """It has to be stored first."""
    account: Any = MemoryAccount()
    missing = ParameterState(NeededParameter("/dev/mq/password", "mq", "password"), None)

    with pytest.raises(ConfigurationError, match="cannot rotate it: missing"):
        plan_rotation(account, DEVELOPMENT, [missing])


def test_an_environment_on_sqs_has_no_broker_to_look_for() -> None:
    """One line says so, instead of a missing broker."""
    on_sqs = DEVELOPMENT.model_copy(update={"variables": {"use_sqs_queue": True}})
    account: Any = MemoryAccount(uses="/dev/db-app/password")

    with pytest.raises(ConfigurationError, match="uses Amazon SQS: it has no broker") as caught:
        find_broker(account, on_sqs)

    assert caught.value.next_step == "gradectl status dev"
    planned = plan_rotation(account, on_sqs, account.states("db-app"))
    assert (planned.broker_id, planned.users) == (None, ())
