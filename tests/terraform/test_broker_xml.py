"""The broker's XML as Terraform renders it: only what Amazon MQ keeps, and all that we rely on."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser
from gradectl.local.testing import running_broker
from gradectl.validation.amazon_mq import amazon_mq_rules
from gradectl.validation.broker_rules import stripped
from grader.contract import names

pytestmark = pytest.mark.engine
CORE = "{http://activemq.apache.org/schema/core}"
REQUIRED = ("name=test", 'subnet_ids=["subnet-1"]', 'security_group_ids=["sg-1"]')
FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture(scope="session")
def render(mocked_folder: Callable[..., Any]) -> Callable[..., str]:
    """Render the XML with some variables, by Terraform's own console."""
    folder = mocked_folder("modules/messaging")

    def rendered(*more: str) -> str:
        variables = [f"-var={text}" for text in (*REQUIRED, *more)]
        answer = folder.run("console", *variables, text="base64encode(local.broker_xml)\n")
        return base64.b64decode(json.loads(answer)).decode()

    return rendered


@pytest.fixture(scope="session")
def rendered(render: Callable[..., str]) -> str:
    """The XML of the module's defaults."""
    return render()


def stripped_by_amazon_mq(xml: str) -> list[str]:
    """List the elements and attributes that Amazon MQ would remove."""
    return [item.what for item in stripped(xml, amazon_mq_rules())]


def _name(element: ET.Element) -> str:
    return element.tag.removeprefix(CORE)


def test_the_other_tests_run_a_broker_with_this_very_xml(
    rendered: str, render: Callable[..., str]
) -> None:
    """Rendering takes Terraform, so copies are kept for them; this one holds the copies true."""
    assert (FIXTURES / "broker-roles.xml").read_text() == rendered
    # where a test has one user, who is in no group
    assert (FIXTURES / "broker.xml").read_text() == render("authorization=null")


def test_nothing_is_stripped_by_amazon_mq(rendered: str) -> None:
    """Amazon MQ removes what it does not allow without a word."""
    assert stripped_by_amazon_mq(rendered) == []


@pytest.mark.parametrize(
    ("inside", "found"),
    [
        ('<broker xmlns="{ns}" useJmx="true"/>', "broker@useJmx"),
        ('<broker xmlns="{ns}"><sslContext/></broker>', "broker/sslContext"),
        (
            '<broker xmlns="{ns}"><plugins><simpleAuthenticationPlugin/></plugins></broker>',
            "plugins/simpleAuthenticationPlugin",
        ),
        (
            '<broker xmlns="{ns}"><destinations><queue name="q"/></destinations></broker>',
            "queue@name",
        ),
    ],
)
def test_the_check_sees_what_amazon_mq_strips(inside: str, found: str) -> None:
    """A check that finds nothing anywhere would prove nothing."""
    xml = inside.format(ns=CORE.strip("{}"))

    assert stripped_by_amazon_mq(xml) == [found]


def test_all_queues_exist_from_the_start(rendered: str) -> None:
    """A browse of a queue that is not there would create it."""
    declared = ET.fromstring(rendered).findall(f"{CORE}destinations/{CORE}queue")

    assert {queue.get("physicalName") for queue in declared} == set(names.QUEUES)


def test_refused_and_expired_messages_go_to_the_dead_letter_queue(rendered: str) -> None:
    """One dead-letter queue for all, and nothing is dropped as a duplicate."""
    root = ET.fromstring(rendered)
    (strategy,) = root.iter(f"{CORE}sharedDeadLetterStrategy")
    (queue,) = strategy.iter(f"{CORE}queue")

    assert queue.get("physicalName") == names.DEAD_LETTER_QUEUE
    assert strategy.attrib == {
        "processExpired": "true",
        "processNonPersistent": "true",
        "enableAudit": "false",
    }


def test_every_queue_has_priorities_and_a_browse_of_it_is_bounded(rendered: str) -> None:
    """Priority headers count, and reading cannot fill the memory of the broker."""
    (policy,) = ET.fromstring(rendered).iter(f"{CORE}policyEntry")

    assert policy.get("queue") == ">"
    assert policy.get("prioritizedMessages") == "true"
    assert int(policy.get("maxBrowsePageSize", "0")) == 1000
    assert (
        int(policy.get("minimumMessageSize", "0")) >= 3000
    )  # measured: a small message on the heap
    assert len(names.QUEUES) * int(policy.get("cursorMemoryHighWaterMark", "0")) <= 80
    assert "persistJMSRedelivered" not in policy.attrib  # a browse would mark what it shows


def test_delayed_retries_and_statistics_are_there(rendered: str) -> None:
    """The worker delays retries by the scheduler, and `gradectl queue` asks for statistics."""
    root = ET.fromstring(rendered)
    plugins = [_name(plugin) for plugin in root.findall(f"{CORE}plugins/*")]

    assert root.get("schedulerSupport") == "true"
    assert plugins == [
        "redeliveryPlugin",
        "forcePersistencyModeBrokerPlugin",
        "statisticsBrokerPlugin",
        "timeStampingBrokerPlugin",
        "authorizationPlugin",  # the last comes first: else the plugin of statistics tells anybody
    ]


def test_redelivery_waits_at_least_a_second(rendered: str) -> None:
    """Amazon MQ allows no shorter delay."""
    (policy,) = ET.fromstring(rendered).iter(f"{CORE}redeliveryPolicy")

    assert int(policy.get("initialRedeliveryDelay", "0")) >= 1000
    assert int(policy.get("redeliveryDelay", "0")) >= 1000


def test_a_real_broker_starts_on_it(rendered: str, engines: Any, tmp_path: Path) -> None:
    """ActiveMQ itself accepts the XML and lets the broker's user in."""
    user = BrokerUser("admin", "a-Password-for-tests-1", ("grading-admins",))

    with running_broker(engines, tmp_path, BrokerSpec("test", rendered, [user])) as running:
        assert running.user == "admin"
