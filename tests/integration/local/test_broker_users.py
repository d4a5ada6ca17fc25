"""Users of the emulated Amazon MQ are users of the real broker, and their groups have rights."""

from __future__ import annotations

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


@pytest.fixture(name="lets_in")
def _lets_in(account: Any) -> Callable[[str], bool]:
    """Try to log in as a user with the password of `PASSWORD`."""
    port, ca_file = int(account.stack.broker_endpoint.rpartition(":")[2]), account.stack.ca_file
    return lambda name: broker_answers(port, ca_file, BrokerUser(name, PASSWORD))


def reboot(account: Any, broker_id: str) -> None:
    account.client("mq").reboot_broker(BrokerId=broker_id)
    account.settle()


def test_a_user_counts_and_ceases_to_count_at_a_reboot(
    account: Any, lets_in: Callable[[str], bool]
) -> None:
    """Made, moved to another group, and removed, as on Amazon MQ; its group's rights are real."""
    mq, broker_id = account.client("mq"), account.create_broker(GUARDED)
    account.settle()
    user = {"BrokerId": broker_id, "Username": "web"}
    mq.create_user(**user, Password=PASSWORD, Groups=["grading-web"])
    assert not lets_in("web")

    reboot(account, broker_id)
    assert lets_in("web")
    send(account, "grading-requests")
    with pytest.raises(AccessError, match="'web' may not write to queue://grading-results"):
        send(account, "grading-results")

    mq.update_user(**user, Groups=["grading-workers"])
    with pytest.raises(AccessError):
        send(account, "grading-results")
    reboot(account, broker_id)
    send(account, "grading-results")

    mq.delete_user(**user)
    assert lets_in("web")
    reboot(account, broker_id)
    assert not lets_in("web")


def send(account: Any, queue: str) -> None:
    """Send a message as the user."""
    connection = connect(
        [account.stack.broker_endpoint], "web", PASSWORD, ca_file=account.stack.ca_file
    )
    try:
        connection.send(queue, b"{}")
    finally:
        connection.close()


def test_a_broker_serves_also_where_its_first_user_may_not_connect(account: Any) -> None:
    """As when a map of rights comes before the groups: who waits for the broker must go on."""
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


def test_what_is_not_named_in_an_update_stays(account: Any) -> None:
    """A new password must not take the web console or the groups away."""
    mq, broker_id = account.client("mq"), account.create_broker()
    user = {"BrokerId": broker_id, "Username": "ops"}
    mq.create_user(**user, Password=PASSWORD, Groups=["grading-operators"], ConsoleAccess=True)

    mq.update_user(**user, Password="another-Password-2")

    found = mq.describe_user(**user)
    assert (found["Groups"], found["ConsoleAccess"]) == (["grading-operators"], True)


def test_users_are_made_once_and_changed_only_while_they_are_there(account: Any) -> None:
    """The answers are those of Amazon MQ, so that a mistake shows here and not there."""
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
