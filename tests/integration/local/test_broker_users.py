"""Users of the emulated Amazon MQ exist in the real broker, with the rights of their groups."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from gradectl.local.engines.activemq import broker_answers
from gradectl.local.engines.broker_xml import BrokerUser
from grader.adapters.activemq.connection import connect
from grader.errors import AccessError

pytestmark = pytest.mark.engine

FIXTURES = Path(__file__).parents[2] / "fixtures"
XML = (FIXTURES / "broker.xml").read_text()
GUARDED = XML.replace("</plugins>", (FIXTURES / "authorization.xml").read_text() + "</plugins>")
PASSWORD = "a-Password-of-web-1"


@pytest.fixture(name="can_log_in")
def _can_log_in(account: Any) -> Callable[[str], bool]:
    """Return whether a user can log in with `PASSWORD`."""
    port, ca_file = int(account.stack.broker_endpoint.rpartition(":")[2]), account.stack.ca_file
    return lambda name: broker_answers(port, ca_file, BrokerUser(name, PASSWORD))


def reboot(account: Any, broker_id: str) -> None:
    account.client("mq").reboot_broker(BrokerId=broker_id)
    account.settle()


def test_a_reboot_applies_changes_of_users(account: Any, can_log_in: Callable[[str], bool]) -> None:
    """Create, change of group, delete, as on Amazon MQ; the broker enforces the group's rights."""
    mq, broker_id = account.client("mq"), account.create_broker()
    account.settle()
    user = {"BrokerId": broker_id, "Username": "web"}
    mq.create_user(**user, Password=PASSWORD, Groups=["grading-web"])
    before, after = change_configuration(mq, broker_id, GUARDED)
    assert configurations(mq, broker_id) == (before, after)
    assert not can_log_in("web")

    reboot(account, broker_id)
    assert configurations(mq, broker_id) == (after, None)
    assert can_log_in("web")
    send(account, "grading-requests")
    with pytest.raises(AccessError, match="'web' may not write to queue://grading-results"):
        send(account, "grading-results")

    mq.update_user(**user, Groups=["grading-workers"])
    with pytest.raises(AccessError):
        send(account, "grading-results")
    reboot(account, broker_id)
    send(account, "grading-results")

    mq.delete_user(**user)
    assert can_log_in("web")
    reboot(account, broker_id)
    assert not can_log_in("web")


def configurations(mq: Any, broker_id: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """The active configuration, and the one that waits for a reboot."""
    found = mq.describe_broker(BrokerId=broker_id)["Configurations"]
    return found["Current"], found.get("Pending")


def change_configuration(mq: Any, broker_id: str, xml: str) -> tuple[dict[str, Any], ...]:
    """Select another revision of the configuration, as Terraform does; returns both."""
    before, _ = configurations(mq, broker_id)
    encoded = base64.b64encode(xml.encode()).decode()
    mq.update_configuration(ConfigurationId=before["Id"], Data=encoded)
    after = {**before, "Revision": before["Revision"] + 1}
    mq.update_broker(BrokerId=broker_id, Configuration=after)
    return before, after


def send(account: Any, queue: str) -> None:
    """Send a message as the user `web`."""
    connection = connect(
        [account.stack.broker_endpoint], "web", PASSWORD, ca_file=account.stack.ca_file
    )
    try:
        connection.send(queue, b"{}")
    finally:
        connection.close()


def test_a_broker_is_running_although_its_first_user_may_not_connect(account: Any) -> None:
    """An authorization map may come before the groups; `apply` must not hang."""
    broker_id = account.create_broker(GUARDED)
    account.settle()

    assert account.broker_state(broker_id) == "RUNNING"
    with pytest.raises(AccessError, match="'admin' was refused"):
        connect(
            [account.stack.broker_endpoint],
            "admin",
            "throw-away-password-1",
            ca_file=account.stack.ca_file,
        )


def test_omitted_members_of_an_update_keep_their_values(account: Any) -> None:
    """A new password must not remove the groups or the console access."""
    mq, broker_id = account.client("mq"), account.create_broker()
    user = {"BrokerId": broker_id, "Username": "ops"}
    mq.create_user(**user, Password=PASSWORD, Groups=["grading-operators"], ConsoleAccess=True)

    mq.update_user(**user, Password="another-Password-2")

    found = mq.describe_user(**user)
    assert (found["Groups"], found["ConsoleAccess"]) == (["grading-operators"], True)


def test_duplicate_and_missing_users_are_errors(account: Any) -> None:
    """With the error codes of Amazon MQ, so that a mistake shows locally."""
    mq, broker_id = account.client("mq"), account.create_broker()
    codes = []
    for call in (
        lambda: mq.create_user(BrokerId=broker_id, Username="admin", Password=PASSWORD),
        lambda: mq.update_user(BrokerId=broker_id, Username="nobody", Password=PASSWORD),
        lambda: mq.delete_user(BrokerId=broker_id, Username="nobody"),
    ):
        with pytest.raises(ClientError) as caught:
            call()
        codes.append(caught.value.response["Error"]["Code"])

    assert codes == ["ConflictException", "NotFoundException", "NotFoundException"]
