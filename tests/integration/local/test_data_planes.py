"""The broker and the database follow the control plane, and are restarted after a crash."""

from __future__ import annotations

import os
import signal
import socket
from typing import Any

import pytest
from ended import has_ended

from gradectl.local.engines.activemq import broker_answers
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.mariadb import database_answers

pytestmark = pytest.mark.engine


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


def test_a_reboot_applies_a_new_password(account: Any) -> None:
    """As on Amazon MQ; DescribeBroker shows the reboot."""
    port, ca_file = port_of(account.stack.broker_endpoint), account.stack.ca_file
    first, second = "throw-away-password-1", "the-real-password-2"

    broker_id = account.create_broker()
    assert account.broker_state(broker_id) == "CREATION_IN_PROGRESS"
    account.settle()
    assert account.broker_state(broker_id) == "RUNNING"
    assert broker_answers(port, ca_file, BrokerUser("admin", first))

    account.client("mq").update_user(BrokerId=broker_id, Username="admin", Password=second)
    account.settle()
    assert not broker_answers(port, ca_file, BrokerUser("admin", second))

    account.client("mq").reboot_broker(BrokerId=broker_id)
    assert account.broker_state(broker_id) == "REBOOT_IN_PROGRESS"
    account.settle()
    assert account.broker_state(broker_id) == "RUNNING"
    assert broker_answers(port, ca_file, BrokerUser("admin", second))
    assert not broker_answers(port, ca_file, BrokerUser("admin", first))


def test_a_configuration_that_activemq_rejects_fails_the_broker(account: Any) -> None:
    """The apply must fail, and `status` must show the reason."""
    broker_id = account.create_broker(
        '<broker xmlns="http://activemq.apache.org/schema/core" noSuchThing="1"/>'
    )

    services = account.until(lambda found: any(each.state == "failed" for each in found))

    assert "noSuchThing" in services[0].message
    # The state in the control plane follows a moment later.
    account.until(lambda _: account.broker_state(broker_id) == "CREATION_FAILED")


def test_a_port_in_use_is_reported_and_retried(account: Any) -> None:
    """Another program may take the port between its choice and its use."""
    port = port_of(account.stack.db_endpoint)
    with socket.create_server(("127.0.0.1", port)):
        account.create_database()
        services = account.until(lambda found: any(each.state == "failed" for each in found))
        assert f"127.0.0.1:{port}" in services[0].message
        assert "in use by another program" in services[0].message

    account.settle()
    assert database_answers(port)


def test_a_killed_broker_and_database_are_restarted(account: Any) -> None:
    """Both restart once, with new pids. A broker that is deleted stops, and the rest runs on."""
    broker_id = account.create_broker()
    account.create_database()
    before = account.settle()
    for each in before.values():
        os.kill(each.pid or 0, signal.SIGKILL)
        assert has_ended(each.pid or 0)

    account.until(lambda found: all(each.restarts == 1 for each in found))
    after = account.settle()

    assert after.keys() == before.keys()
    assert not {each.pid for each in after.values()} & {each.pid for each in before.values()}

    account.client("mq").delete_broker(BrokerId=broker_id)
    assert account.settle() == {"database": after["database"]}
    assert has_ended(after["broker"].pid or 0)
