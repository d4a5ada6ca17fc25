"""Amazon MQ: the broker's users, and the reboot that makes a change of them count."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws.errors import translated
from gradectl.adapters.aws.models import KnownUser

_READY = "RUNNING"


@dataclass(frozen=True)
class MqBroker:
    """One broker as the API shows it."""

    broker_id: str
    name: str
    arn: str
    state: str
    engine: str  # ACTIVEMQ or RABBITMQ
    users: tuple[str, ...]
    tags: Mapping[str, str]

    @property
    def ready(self) -> bool:
        """Whether it serves."""
        return self.state == _READY


class Brokers:
    """
    Amazon MQ.

    Args:
        client: A boto3 client of `mq`.
    """

    def __init__(self, client: Any) -> None:  # noqa: ANN401 - boto3 makes its clients at run time
        """Keep the client."""
        self._client = client

    def get(self, broker_id: str) -> MqBroker:
        """Read one broker."""
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
        )

    def users(self, broker: MqBroker) -> dict[str, KnownUser]:
        """Read who may connect, by name; what waits for a reboot does not count yet."""
        return {name: self._user(broker, name) for name in broker.users}

    def _user(self, broker: MqBroker, username: str) -> KnownUser:
        with translated(f"user {username} of broker {broker.name}"):
            found = self._client.describe_user(BrokerId=broker.broker_id, Username=username)
        groups = frozenset(found.get("Groups") or ())
        return KnownUser(username, groups, bool(found.get("ConsoleAccess")))

    def create_user(self, broker: MqBroker, user: KnownUser, password: str) -> None:
        """Make a user; it counts after a reboot."""
        with translated(f"user {user.name} of broker {broker.name}"):
            self._client.create_user(**_settings(broker, user, password))

    def update_user(self, broker: MqBroker, user: KnownUser, password: str) -> None:
        """Give a user its password and groups; they count after a reboot."""
        with translated(f"user {user.name} of broker {broker.name}"):
            self._client.update_user(**_settings(broker, user, password))

    def delete_user(self, broker: MqBroker, username: str) -> None:
        """Remove a user; it may connect until the reboot."""
        with translated(f"user {username} of broker {broker.name}"):
            self._client.delete_user(BrokerId=broker.broker_id, Username=username)

    def reboot(self, broker: MqBroker) -> None:
        """Restart the broker; does not wait."""
        with translated(f"broker {broker.name}"):
            self._client.reboot_broker(BrokerId=broker.broker_id)

    def tag(self, broker: MqBroker, tags: Mapping[str, str]) -> None:
        """Add tags to the broker."""
        with translated(f"broker {broker.name}"):
            self._client.create_tags(ResourceArn=broker.arn, Tags=dict(tags))

    def untag(self, broker: MqBroker, keys: Sequence[str]) -> None:
        """Remove tags of the broker; those that it does not have do not matter."""
        with translated(f"broker {broker.name}"):
            self._client.delete_tags(ResourceArn=broker.arn, TagKeys=list(keys))

    def wait_until_ready(self, broker_id: str, pause: Callable[[], bool]) -> MqBroker:
        """
        Wait until the broker serves.

        Args:
            broker_id: The broker.
            pause: Waits a moment; False when no time is left.

        Returns:
            The broker as last seen; not `ready` when the time ran out.
        """
        broker = self.get(broker_id)
        while not broker.ready and pause():
            broker = self.get(broker_id)
        return broker


def _settings(broker: MqBroker, user: KnownUser, password: str) -> dict[str, Any]:
    """Name everything of a user: what is left out of an update need not stay as it is."""
    return {
        "BrokerId": broker.broker_id,
        "Username": user.name,
        "Password": password,
        "Groups": sorted(user.groups),
        "ConsoleAccess": user.console_access,
    }
