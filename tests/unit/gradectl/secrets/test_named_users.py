"""Users of any root get their passwords from SSM, or one that no one knows."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from gradectl.adapters.aws.brokers import MqBroker
from gradectl.adapters.aws.models import KnownUser, ParameterInfo
from gradectl.errors import ConfigurationError
from gradectl.secrets.broker_user_changes import apply_changes
from gradectl.secrets.broker_user_plan import VERSION_TAG, user_tag
from gradectl.secrets.named_users import (
    NamedUser,
    observe_named_users,
    parse_outputs,
    parse_user,
    unnamed,
)
from gradectl.ui import Ui

NOW = datetime(2026, 11, 29, tzinfo=UTC)
WORKER = "/exams/worker/mq-password"


class MemoryAccount:
    """An in-memory fake of an account with one broker; it records each call that changes it."""

    def __init__(self, *users: str, engine: str = "ACTIVEMQ", **tags: str) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.secrets = {WORKER: "the-worker's-password"}
        self.kinds = {WORKER: "SecureString", "/exams/greeting": "String"}
        self.tags = {user_tag(name): value for name, value in tags.items()}
        self._broker = MqBroker("b-1", "exams-mq", "arn", "RUNNING", engine, users, self.tags)
        self.brokers = self.parameter_store = self

    def get(self, broker_id: str) -> MqBroker:
        assert broker_id == "b-1"
        return self._broker

    def users(self, broker: MqBroker) -> dict[str, KnownUser]:
        return {name: KnownUser(name, frozenset(["their-group"])) for name in broker.users}

    def describe(self, names: list[str]) -> dict[str, ParameterInfo]:
        return {
            name: ParameterInfo(name, self.kinds[name], 2, NOW)
            for name in names
            if name in self.kinds
        }

    def parameters(self, names: list[str]) -> dict[str, str]:
        return {name: self.secrets[name] for name in names}

    def parameter_at(self, name: str, version: int) -> str | None:
        return f"{name} {version}"

    def create_user(self, _broker: MqBroker, user: KnownUser, password: str) -> None:
        self.calls.append(("create", user.name, *sorted(user.groups), password))

    def update_user(self, _broker: MqBroker, user: KnownUser, password: str) -> None:
        self.calls.append(("update", user.name, *sorted(user.groups), password))

    def reboot(self, _broker: MqBroker) -> None:
        self.calls.append(("reboot",))

    def wait_until_ready(self, _broker_id: str, _pause: object) -> Any:
        return SimpleNamespace(ready=True)

    def tag(self, _broker: MqBroker, tags: dict[str, str]) -> None:
        self.tags.update(tags)


def sync(account: Any, *users: NamedUser) -> bool:
    observed = observe_named_users(account, "b-1", users)
    return apply_changes(account, Ui("table", {}), observed, make_pause=lambda _: lambda: True)


def test_a_user_without_a_parameter_gets_a_password_that_is_stored_nowhere(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Groups stay; the second run changes nothing, because tags remember the first."""
    account = MemoryAccount("admin", "worker")
    users = (NamedUser("worker", WORKER), NamedUser("admin", None))

    assert sync(account, *users) is True

    worker, admin, reboot = sorted(account.calls, reverse=True, key=lambda each: each[1:2])
    assert worker == ("update", "worker", "their-group", "the-worker's-password")
    assert admin[:3] == ("update", "admin", "their-group")
    assert len(admin[3]) == 40
    assert reboot == ("reboot",)
    assert account.tags == {user_tag("worker"): "2", user_tag("admin"): "disabled"}
    said = capsys.readouterr().err
    assert "updating user admin of broker exams-mq: a password that is stored nowhere" in said
    assert admin[3] not in said
    assert "the-worker's-password" not in said

    account.calls.clear()
    assert sync(account, *users) is False
    assert account.calls == []


def test_a_disabled_user_can_get_a_parameter_later() -> None:
    """Its tag has no version, so the password counts as changed."""
    account = MemoryAccount("worker", worker="disabled")

    assert sync(account, NamedUser("worker", WORKER)) is True
    assert account.tags == {user_tag("worker"): "2"}


def test_an_administrator_of_another_root_is_tagged_by_name() -> None:
    """Whatever its parameter is called, so that disabling it later is seen as a change."""
    account = MemoryAccount("admin")
    name = "/exams/mq/password"
    account.kinds[name], account.secrets[name] = "SecureString", "another-password"

    sync(account, NamedUser("admin", name))
    assert account.tags == {user_tag("admin"): "2"}
    assert sync(account, NamedUser("admin", None)) is True
    assert VERSION_TAG not in account.tags


def test_users_that_are_not_named_are_found() -> None:
    """Their passwords may still be those in the state."""
    account: Any = MemoryAccount("admin", "web", "worker")
    users = (NamedUser("worker", WORKER),)

    observed = observe_named_users(account, "b-1", users)

    assert unnamed(observed, users) == ["admin", "web"]
    assert [user.name for user in observed.plan.update] == ["worker"]


def test_a_missing_user_needs_a_group() -> None:
    """Without one it could log in and would have no rights."""
    account = MemoryAccount("admin")

    with pytest.raises(ConfigurationError, match="no user 'worker'"):
        sync(account, NamedUser("worker", WORKER))
    assert sync(account, NamedUser("worker", WORKER, "grading-workers")) is True
    assert account.calls[0][:3] == ("create", "worker", "grading-workers")
    assert sync(account, NamedUser("gone", None)) is False


@pytest.mark.parametrize("parameter", ["/exams/greeting", "/exams/missing"])
def test_only_a_securestring_can_be_a_password(parameter: str) -> None:
    """A user must never get the value of a public parameter."""
    account = MemoryAccount("worker")

    with pytest.raises(ConfigurationError, match=parameter):
        sync(account, NamedUser("worker", parameter))
    assert account.calls == []


def test_users_of_rabbitmq_cannot_be_changed() -> None:
    """Asked for explicitly, that is an error."""
    with pytest.raises(ConfigurationError, match="RABBITMQ"):
        sync(MemoryAccount("admin", engine="RABBITMQ"), NamedUser("worker", WORKER))


def output(**values: Any) -> dict[str, Any]:
    return {name: {"sensitive": False, "value": value} for name, value in values.items()}


def test_the_outputs_name_the_broker_and_its_users() -> None:
    """Account and region come from the ARN, where there is one."""
    users = {"admin": None, "worker": WORKER}
    arn = "arn:aws:mq:eu-west-1:123456789012:broker:exams-mq:b-1"

    plain = parse_outputs(output(broker_id="b-1", broker_users=users), "file")
    with_arn = parse_outputs(output(broker_arn=arn, broker_users=users), "file")

    assert plain.users == (NamedUser("admin", None), NamedUser("worker", WORKER))
    assert (plain.account_id, plain.region) == (None, None)
    assert with_arn.broker_id == "b-1"
    assert (with_arn.account_id, with_arn.region) == ("123456789012", "eu-west-1")


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"broker_id": "b-1"},
        output(broker_id="b-1"),
        output(broker_users={"admin": None}),
        output(broker_id="b-1", broker_users={}),
        output(broker_id="b-1", broker_users={"worker": 7}),
        output(broker_id="b-1", broker_users={"worker": "not-a-parameter"}),
    ],
)
def test_other_outputs_are_refused(document: Any) -> None:
    """The error says which outputs the root needs."""
    with pytest.raises(ConfigurationError) as caught:
        parse_outputs(document, "file")
    assert caught.value.next_step


@pytest.mark.parametrize("text", ["worker", "=/a/b", "worker=", "worker=b"])
def test_a_user_needs_a_name_and_a_parameter(text: str) -> None:
    """A password on the command line is not accepted by mistake, as it is not a path."""
    with pytest.raises(ConfigurationError):
        parse_user(text)


def test_a_user_may_have_a_group() -> None:
    """For users that were added to an existing broker."""
    assert parse_user("worker=/a/b:grading-workers") == NamedUser(
        "worker", "/a/b", "grading-workers"
    )
