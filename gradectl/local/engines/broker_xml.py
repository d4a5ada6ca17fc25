"""
From the broker XML that Amazon MQ stores to one that ActiveMQ starts from; pure.

Amazon MQ adds to its users' XML what belongs to the service: the broker's name, where its data
lies, its connectors with their certificate, and its users. So does this, and nothing else.
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
    """Someone who may connect; groups are what an authorization map speaks of."""

    name: str
    password: str = field(repr=False)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Connector:
    """The one door of the local broker: STOMP over TLS on loopback."""

    port: int
    key_store: KeyStore


def render(
    stored: str, *, name: str, users: Sequence[BrokerUser], connector: Connector, data: Path
) -> bytes:
    """
    Complete a stored broker configuration.

    Args:
        stored: The XML as DescribeConfigurationRevision gives it, decoded.
        name: The broker's name; its first instance is called `<name>-1`, as on Amazon MQ.
        users: Who may connect.
        connector: Where it listens.
        data: Directory of its messages.

    Raises:
        ConfigurationError: The stored text is not a broker's XML.
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
    broker[:] = sorted(broker, key=lambda element: element.tag)  # its schema wants this order
    beans = ET.Element(f"{{{_BEANS}}}beans", {f"{{{_XSI}}}schemaLocation": _SCHEMAS})
    beans.append(broker)
    rendered: bytes = ET.tostring(beans, encoding="utf-8", xml_declaration=True)
    return rendered


def _parse(stored: str) -> ET.Element:
    try:
        broker = ET.fromstring(stored)  # noqa: S314 - the user's own Terraform wrote it
    except ET.ParseError as error:
        raise ConfigurationError(
            f"the broker's stored configuration is not XML: {error}", where="aws_mq_configuration"
        ) from error
    if broker.tag != f"{{{_CORE}}}broker":
        raise ConfigurationError(
            f"the broker's stored configuration begins with {broker.tag!r}, not with a <broker>"
            f" of {_CORE}",
            where="aws_mq_configuration",
        )
    return broker


def _authenticate(broker: ET.Element, users: Sequence[BrokerUser]) -> None:
    """Put the users before all other plugins, so that those see who is there."""
    plugins = broker.find(f"{{{_CORE}}}plugins")
    if plugins is None:
        plugins = ET.SubElement(broker, f"{{{_CORE}}}plugins")
    plugin = ET.Element(
        f"{{{_CORE}}}simpleAuthenticationPlugin", {"anonymousAccessAllowed": "false"}
    )
    listed = ET.SubElement(plugin, f"{{{_CORE}}}users")
    for user in users:
        ET.SubElement(
            listed,
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
