"""A stored configuration is completed for ActiveMQ, and keeps all its content."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradectl.errors import ConfigurationError, ExitCode
from gradectl.local.engines.broker_xml import BrokerUser, Connector, render_broker_xml
from gradectl.local.engines.tls import KeyStore

CORE = "{http://activemq.apache.org/schema/core}"
EMPTY = '<broker xmlns="http://activemq.apache.org/schema/core"/>'
STORED = """\
<broker xmlns="http://activemq.apache.org/schema/core" schedulerSupport="true">
  <plugins><statisticsBrokerPlugin/></plugins>
  <destinationPolicy><policyMap><policyEntries>
    <policyEntry queue="grading-&gt;" prioritizedMessages="true"/>
  </policyEntries></policyMap></destinationPolicy>
</broker>
"""
CONNECTOR = Connector(61614, KeyStore(Path("/stack/server.p12"), "key-store-password"))


def broker_of(stored: str, *users: BrokerUser, name: str = "local-grading") -> ET.Element:
    rendered = render_broker_xml(
        stored, name=name, users=users, connector=CONNECTOR, data=Path("/stack/data")
    )
    found = ET.fromstring(rendered).find(f"{CORE}broker")
    assert found is not None
    return found


def test_the_stored_content_is_kept() -> None:
    """Attributes, plugins and policies."""
    broker = broker_of(STORED)

    assert broker.get("schedulerSupport") == "true"
    assert broker.find(f"{CORE}plugins/{CORE}statisticsBrokerPlugin") is not None
    entry = broker.find(f".//{CORE}policyEntry")
    assert entry is not None
    assert entry.attrib == {"queue": "grading->", "prioritizedMessages": "true"}


def test_the_instance_has_the_name_of_amazon_mq() -> None:
    """Metrics and dashboards use `<name>-1`."""
    assert broker_of(EMPTY, name="dev-grading").get("brokerName") == "dev-grading-1"


def test_the_only_connector_is_stomp_over_tls_on_loopback() -> None:
    """No port without TLS, and no other address."""
    uris = [each.get("uri") for each in broker_of(EMPTY).iter(f"{CORE}transportConnector")]

    assert uris == ["stomp+nio+ssl://127.0.0.1:61614?transport.enabledProtocols=TLSv1.2,TLSv1.3"]


def test_the_authentication_plugin_comes_first() -> None:
    """The other plugins see the connected user."""
    broker = broker_of(STORED, BrokerUser("admin", "a-password", ("operators", "web")))
    plugins = broker.find(f"{CORE}plugins")

    assert plugins is not None
    assert [each.tag for each in plugins] == [
        f"{CORE}simpleAuthenticationPlugin",
        f"{CORE}statisticsBrokerPlugin",
    ]
    assert plugins[0].get("anonymousAccessAllowed") == "false"
    user = plugins.find(f".//{CORE}authenticationUser")
    assert user is not None
    assert user.attrib == {"username": "admin", "password": "a-password", "groups": "operators,web"}


def test_elements_are_in_the_order_of_the_schema() -> None:
    """ActiveMQ rejects a broker whose elements are not in alphabetical order."""
    tags = [each.tag for each in broker_of(STORED)]

    assert tags == sorted(tags)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), min_size=12, max_size=60))
def test_a_password_may_have_any_printable_character(password: str) -> None:
    """Amazon MQ allows them, so XML must escape them."""
    broker = broker_of(EMPTY, BrokerUser("admin", password))
    user = broker.find(f".//{CORE}authenticationUser")

    assert user is not None
    assert user.get("password") == password


@pytest.mark.parametrize(
    "stored", ["", "not XML", "<broker/>", '<beans xmlns="http://www.springframework.org"/>']
)
def test_an_invalid_configuration_is_rejected(stored: str) -> None:
    """With one sentence instead of a Java stack trace."""
    with pytest.raises(ConfigurationError) as caught:
        broker_of(stored)

    assert caught.value.exit_code == ExitCode.CONFIGURATION
    assert caught.value.where == "aws_mq_configuration"
