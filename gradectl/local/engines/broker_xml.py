"""
Completes a broker XML stored in Amazon MQ, so that ActiveMQ can start from it; pure.

As Amazon MQ does, it adds the broker's name, its data directory, its connectors with their
certificate and its users, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as ET

from gradectl.errors import ConfigurationError
from gradectl.local.engines.tls import KeyStore

_CORE = "http://activemq.apache.org/schema/core"
_BEANS = "http://www.springframework.org/schema/beans"
_XSI = "http://www.w3.org/2001/XMLSchema-instance"
_SCHEMAS = f"{_BEANS} {_BEANS}/spring-beans-2.0.xsd {_CORE} {_CORE}/activemq-core.xsd"


@dataclass(frozen=True)
class BrokerUser:
    """A user of a broker; authorization maps refer to the groups."""

    name: str
    password: str = field(repr=False)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Connector:
    """The transport connector of the local broker: STOMP over TLS on loopback."""

    port: int
    key_store: KeyStore


def render_broker_xml(
    stored: str, *, name: str, users: Sequence[BrokerUser], connector: Connector, data: Path
) -> bytes:
    """
    Complete a stored broker configuration.

    Args:
        stored: The XML from DescribeConfigurationRevision, decoded.
        name: The broker's name; its first instance is `<name>-1`, as on Amazon MQ.
        users: The users that may connect.
        connector: Port and key store of the connector.
        data: Directory of the messages.

    Raises:
        ConfigurationError: The stored text is not a broker XML.
    """
    broker = _parse(stored)
    broker.attrib |= {
        "brokerName": f"{name}-1",
        "dataDirectory": str(data),
        "useJmx": "false",
    }
    _authenticate(broker, users)
    broker.append(_ssl_context(connector.key_store))
    broker.append(_connectors(connector.port))
    broker[:] = sorted(broker, key=lambda element: element.tag)  # the schema requires this order
    beans = ET.Element(f"{{{_BEANS}}}beans", {f"{{{_XSI}}}schemaLocation": _SCHEMAS})
    beans.append(broker)
    rendered: bytes = ET.tostring(beans, encoding="utf-8", xml_declaration=True)
    return rendered


def _parse(stored: str) -> ET.Element:
    try:
        broker = ET.fromstring(stored)  # noqa: S314 - the user's own Terraform wrote it
    except ET.ParseError as error:
        raise ConfigurationError(
            f"the stored broker configuration is not valid XML: {error}",
            where="aws_mq_configuration",
        ) from error
    if broker.tag != f"{{{_CORE}}}broker":
        raise ConfigurationError(
            f"the root element of the stored broker configuration is {broker.tag!r};"
            f" it must be <broker> of {_CORE}",
            where="aws_mq_configuration",
        )
    return broker


def _authenticate(broker: ET.Element, users: Sequence[BrokerUser]) -> None:
    """Insert the authentication plugin first, so that the other plugins see the user."""
    plugins = broker.find(f"{{{_CORE}}}plugins")
    if plugins is None:
        plugins = ET.SubElement(broker, f"{{{_CORE}}}plugins")
    plugin = ET.Element(
        f"{{{_CORE}}}simpleAuthenticationPlugin", {"anonymousAccessAllowed": "false"}
    )
    user_list = ET.SubElement(plugin, f"{{{_CORE}}}users")
    for user in users:
        ET.SubElement(
            user_list,
            f"{{{_CORE}}}authenticationUser",
            {"username": user.name, "password": user.password, "groups": ",".join(user.groups)},
        )
    plugins.insert(0, plugin)


def _ssl_context(key_store: KeyStore) -> ET.Element:
    outer = ET.Element(f"{{{_CORE}}}sslContext")
    ET.SubElement(
        outer,
        f"{{{_CORE}}}sslContext",
        {
            "keyStore": key_store.path.as_uri(),
            "keyStorePassword": key_store.password,
            "keyStoreType": "PKCS12",
        },
    )
    return outer


def _connectors(port: int) -> ET.Element:
    outer = ET.Element(f"{{{_CORE}}}transportConnectors")
    uri = f"stomp+nio+ssl://127.0.0.1:{port}?transport.enabledProtocols=TLSv1.2,TLSv1.3"
    ET.SubElement(outer, f"{{{_CORE}}}transportConnector", {"name": "stomp+ssl", "uri": uri})
    return outer
