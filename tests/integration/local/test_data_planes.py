"""The broker and the database are what the control plane says, and come back when they die."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import pytest

from gradectl.local.engines.activemq import broker_answers
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.engines.mariadb import database_answers

pytestmark = pytest.mark.engine

HasEnded = Callable[[int], bool]


def port_of(endpoint: str) -> int:
    return int(endpoint.rpartition(":")[2])


def test_a_broker_runs_with_what_was_in_force_at_its_last_reboot(account: Any) -> None:
    """A new password counts after a reboot, as on Amazon MQ, and DescribeBroker tells when."""
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


def test_a_configuration_that_activemq_refuses_fails_the_broker(account: Any) -> None:
    """An apply must not go on, and `status` must say why."""
    broker_id = account.create_broker(
        '<broker xmlns="http://activemq.apache.org/schema/core" noSuchThing="1"/>'
    )

    services = account.until(lambda found: any(each.state == "failed" for each in found))

    assert "noSuchThing" in services[0].message
    # The stack knows before it has told the control plane.
    account.until(lambda _: account.broker_state(broker_id) == "CREATION_FAILED")


def test_a_taken_port_is_named_and_used_as_soon_as_it_is_free(account: Any) -> None:
    """Ports are chosen before they are used; who comes between must only go away."""
    port = port_of(account.stack.db_endpoint)
    with socket.create_server(("127.0.0.1", port)):
        account.create_database()
        services = account.until(lambda found: any(each.state == "failed" for each in found))
        assert f"127.0.0.1:{port}" in services[0].message
        assert "taken by another program" in services[0].message

    account.settle()
    assert database_answers(port)


def test_a_killed_broker_and_a_killed_database_come_back(account: Any, has_ended: HasEnded) -> None:
    """A crash on a laptop does not end the working day."""
    account.create_broker()
    account.create_database()
    before = account.settle()
    for each in before.values():
        os.kill(each.pid or 0, signal.SIGKILL)
        assert has_ended(each.pid or 0)

    account.until(lambda found: all(each.restarts == 1 for each in found))
    after = account.settle()

    assert after.keys() == before.keys()
    assert not {each.pid for each in after.values()} & {each.pid for each in before.values()}
