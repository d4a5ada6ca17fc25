"""Amazon MQ: users of a broker, and the reboot that applies their changes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.models import BrokerNode, KnownUser

_READY = "RUNNING"


@dataclass(frozen=True)
class MqBroker:
    """A broker as the API describes it."""

    broker_id: str
    name: str
    arn: str
    state: str
    engine: str  # ACTIVEMQ or RABBITMQ
    users: tuple[str, ...]
    tags: Mapping[str, str]
    pending: tuple[str, int] = (
        "",
        0,
    )  # ID and revision of the configuration that waits for a reboot

    @property
    def ready(self) -> bool:
        """Whether it is running."""
        return self.state == _READY


class Brokers:
    """
    Amazon MQ.

    Args:
        client: A boto3 client of `mq`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        self._client = client

    def get(self, broker_id: str) -> MqBroker:
        """Describe a broker."""
        with translated(f"broker {broker_id}"):
            found = self._client.describe_broker(BrokerId=broker_id)
        return MqBroker(
            broker_id=broker_id,
            name=found["BrokerName"],
            arn=found["BrokerArn"],
            state=found["BrokerState"],
            engine=found["EngineType"].upper(),
            users=tuple(user["Username"] for user in found.get("Users", [])),
            tags=found.get("Tags", {}),
            pending=_revision((found.get("Configurations") or {}).get("Pending")),
        )

    def find(self, name: str) -> str | None:
        """Return the id of a broker; None when there is none of this name."""
        return self.ids_by_name().get(name)

    def node(self, broker_id: str) -> BrokerNode:
        """Describe a broker with its network and its configuration."""
        with translated(f"broker {broker_id}"):
            found = self._client.describe_broker(BrokerId=broker_id)
        configurations = found.get("Configurations") or {}
        return BrokerNode(
            broker_id=broker_id,
            name=found["BrokerName"],
            state=found["BrokerState"],
            engine=found["EngineType"].upper(),
            public=bool(found.get("PubliclyAccessible")),
            subnet_ids=tuple(found.get("SubnetIds") or ()),
            group_ids=tuple(found.get("SecurityGroups") or ()),
            configuration=_revision(configurations.get("Current")),
            pending=_revision(configurations.get("Pending")),
        )

    def stomp_endpoints(self, broker_id: str) -> list[str]:
        """The STOMP endpoint of each instance of a broker."""
        with translated(f"broker {broker_id}"):
            found = self._client.describe_broker(BrokerId=broker_id)
        instances = found.get("BrokerInstances") or ()
        endpoints = [str(each) for one in instances for each in one.get("Endpoints") or ()]
        return [each for each in endpoints if each.startswith("stomp")]

    def ids_by_name(self) -> dict[str, str]:
        """The IDs of all brokers of the region by name."""
        with translated("Amazon MQ"):
            pages = self._client.get_paginator("list_brokers").paginate()
            found = [one for page in pages for one in page["BrokerSummaries"]]
        return {str(one["BrokerName"]): str(one["BrokerId"]) for one in found}

    def configuration_text(self, configuration_id: str, revision: int) -> str:
        """Read a revision of a configuration; one that is not Base64 or UTF-8 as it is."""
        with translated(f"configuration {configuration_id}"):
            answer = self._client.describe_configuration_revision(
                ConfigurationId=configuration_id, ConfigurationRevision=str(revision)
            )
        try:
            return base64.b64decode(answer["Data"]).decode()
        except ValueError:
            return str(answer["Data"])

    def users(self, broker: MqBroker) -> dict[str, KnownUser]:
        """The active users, by name; changes that wait for a reboot are not included."""
        return {name: self._user(broker, name) for name in broker.users}

    def _user(self, broker: MqBroker, username: str) -> KnownUser:
        with translated(f"user {username} of broker {broker.name}"):
            found = self._client.describe_user(BrokerId=broker.broker_id, Username=username)
        groups = frozenset(found.get("Groups") or ())
        return KnownUser(username, groups, bool(found.get("ConsoleAccess")))

    def create_user(self, broker: MqBroker, user: KnownUser, password: str) -> None:
        """Create a user; it can connect after a reboot."""
        with translated(f"user {user.name} of broker {broker.name}"):
            self._client.create_user(**_settings(broker, user, password))

    def update_user(self, broker: MqBroker, user: KnownUser, password: str) -> None:
        """Set password and groups of a user; they take effect after a reboot."""
        with translated(f"user {user.name} of broker {broker.name}"):
            self._client.update_user(**_settings(broker, user, password))

    def delete_user(self, broker: MqBroker, username: str) -> None:
        """Delete a user; it can connect until the reboot."""
        with translated(f"user {username} of broker {broker.name}"):
            self._client.delete_user(BrokerId=broker.broker_id, Username=username)

    def reboot(self, broker: MqBroker) -> None:
        """Reboot the broker without waiting."""
        with translated(f"broker {broker.name}"):
            self._client.reboot_broker(BrokerId=broker.broker_id)

    def tag(self, broker: MqBroker, tags: Mapping[str, str]) -> None:
        """Add tags to the broker."""
        with translated(f"broker {broker.name}"):
            self._client.create_tags(ResourceArn=broker.arn, Tags=dict(tags))

    def untag(self, broker: MqBroker, keys: Sequence[str]) -> None:
        """Remove tags from the broker; missing ones are ignored."""
        with translated(f"broker {broker.name}"):
            self._client.delete_tags(ResourceArn=broker.arn, TagKeys=list(keys))

    def wait_until_ready(self, broker_id: str, pause: Callable[[], bool]) -> MqBroker:
        """
        Wait until the broker is running.

        Args:
            broker_id: The broker.
            pause: Pauses between two polls; returns False when the time is over.

        Returns:
            The broker at the last poll; not `ready` when the time was over.
        """
        broker = self.get(broker_id)
        while not broker.ready and pause():
            broker = self.get(broker_id)
        return broker


def _settings(broker: MqBroker, user: KnownUser, password: str) -> dict[str, Any]:
    """All settings of a user: an update may reset settings that it omits."""
    return {
        "BrokerId": broker.broker_id,
        "Username": user.name,
        "Password": password,
        "Groups": sorted(user.groups),
        "ConsoleAccess": user.console_access,
    }


def _revision(found: Mapping[str, Any] | None) -> tuple[str, int]:
    """ID and revision of a configuration; empty and 0 for none."""
    return (str(found["Id"]), int(found["Revision"])) if found else ("", 0)
