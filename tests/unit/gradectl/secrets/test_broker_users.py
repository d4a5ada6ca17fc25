"""A dry run shows the changes of the broker's users; what waits for a reboot is named."""

from __future__ import annotations

from typing import Any

import pytest

from gradectl.adapters.aws.brokers import MqBroker
from gradectl.adapters.aws.models import KnownUser
from gradectl.planning.plan import Action, Change, Plan
from gradectl.secrets.broker_user_plan import VERSION_TAG, user_tag
from gradectl.secrets.broker_users import preview_broker_users, sync_broker_users
from gradectl.ui import Ui

WEB = "/dev/mq-web/password"
USERS = {"admin": "/dev/mq/password", "web": WEB}


class ReadOnlyBrokers:
    """Amazon MQ with one broker; it has no methods that change anything."""

    def __init__(
        self, engine: str = "ACTIVEMQ", pending: tuple[str, int] = ("", 0), **groups: str
    ) -> None:
        tags = {VERSION_TAG: "1", **{user_tag(name): "1" for name in ("web", *groups)}}
        users = tuple(groups)
        self.broker = MqBroker("b-1", "dev-mq", "arn", "RUNNING", engine, users, tags, pending)
        self._users = {name: KnownUser(name, frozenset([group])) for name, group in groups.items()}

    def get(self, broker_id: str) -> MqBroker:
        assert broker_id == self.broker.broker_id
        return self.broker

    def users(self, broker: MqBroker) -> dict[str, KnownUser]:
        assert broker is self.broker
        return self._users


class Account:
    """An account whose password parameters are all at version 1."""

    def __init__(self, brokers: ReadOnlyBrokers) -> None:
        self.brokers = brokers
        self.read: list[str] = []

    def parameter_version(self, name: str) -> int:
        self.read.append(name)
        return 1

    def parameters(self, names: list[str]) -> dict[str, str]:
        assert not names, "no password is needed"
        return {}


def preview(account: Any, plan: Plan) -> Any:
    return preview_broker_users(account, Ui("table", {}), "dev", plan)


def planned(*changes: Change, **outputs: Any) -> Plan:
    return Plan(changes, (), {"broker_id": "b-1", "broker_users": USERS, **outputs})


def written(parameter: str) -> Change:
    after = {"name": parameter}
    return Change("p", "aws_ssm_parameter", Action.UPDATE, (), "", None, after, None)


def test_users_of_a_broker_that_does_not_exist_are_listed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Nothing is read: there is nothing to compare with."""
    plan = Plan((), (), {"broker_users": USERS}, frozenset({"broker_id"}))

    shown = preview(None, plan)

    assert (shown["broker_exists"], shown["create"]) == (False, ["admin", "web"])
    assert "the broker does not exist yet" in capsys.readouterr().err


def test_a_root_without_a_broker_has_no_preview() -> None:
    """For example one with an existing broker."""
    assert preview(None, planned(broker_id=None)) is None


@pytest.mark.parametrize(("pending", "waits"), [(("c-1", 3), True), (("", 0), False)])
def test_a_configuration_that_waits_for_a_reboot_is_named(
    capsys: pytest.CaptureFixture[str], pending: tuple[str, int], *, waits: bool
) -> None:
    """As after an apply without mq_apply_immediately that changes no user."""
    account: Any = Account(ReadOnlyBrokers(pending=pending, web="grading-web"))
    outputs = {"broker_id": "b-1", "broker_users": {"web": WEB}}

    assert sync_broker_users(account, Ui("table", {}), "dev", outputs) is False
    said = capsys.readouterr().err
    assert ("revision 3 of its configuration waits" in said) is waits
    assert ("aws mq reboot-broker --broker-id b-1" in said) is waits


def test_users_that_are_known_only_after_the_apply_have_no_preview(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The message says why."""
    plan = Plan((), (), {"broker_id": "b-1"}, frozenset({"broker_users"}))

    assert preview(None, plan) is None
    assert "known only after" in capsys.readouterr().err


def test_a_broker_of_another_engine_has_no_preview(capsys: pytest.CaptureFixture[str]) -> None:
    """Amazon MQ cannot change its users."""
    assert preview(Account(ReadOnlyBrokers("RABBITMQ")), planned()) is None
    assert "RABBITMQ" in capsys.readouterr().err


def test_without_changes_the_broker_does_not_reboot(capsys: pytest.CaptureFixture[str]) -> None:
    """The message says that nothing would change."""
    account = Account(ReadOnlyBrokers(admin="grading-admins", web="grading-web"))

    assert preview(account, planned())["reboot"] is False
    assert capsys.readouterr().err == "broker users: no changes on broker dev-mq\n"


def test_each_change_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Create, update, delete, then the reboot."""
    account = Account(ReadOnlyBrokers(admin="grading-operators", old="grading-web"))

    shown = preview(account, planned())

    assert shown == {
        "broker_exists": True,
        "create": ["web"],
        "update": ["admin"],
        "delete": ["old"],
        "unmanaged": [],
        "reboot": True,
    }
    assert capsys.readouterr().err.splitlines() == [
        "would create user web of broker dev-mq: group grading-web",
        "would update user admin of broker dev-mq: group grading-admins",
        "would delete user old of broker dev-mq: no longer in the output broker_users",
        "would reboot broker dev-mq to apply the changes",
    ]


def test_a_parameter_that_the_apply_writes_is_not_read() -> None:
    """It may not exist yet, and its value may change; its user counts as an update."""
    account = Account(ReadOnlyBrokers(admin="grading-admins", web="grading-web"))

    shown = preview(account, planned(written(WEB)))

    assert shown["update"] == ["web"]
    assert account.read == ["/dev/mq/password"]
