"""Amazon MQ: the broker's user, and the reboot that makes a change of it count."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from gradectl.adapters.aws_errors import translated

_READY = "RUNNING"


@dataclass(frozen=True)
class Broker:
    """One broker as the API shows it."""

    broker_id: str
    name: str
    arn: str
    state: str
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

    def get(self, broker_id: str) -> Broker:
        """Read one broker."""
        with translated(f"broker {broker_id}"):
            found = self._client.describe_broker(BrokerId=broker_id)
        return Broker(
            broker_id=broker_id,
            name=found["BrokerName"],
            arn=found["BrokerArn"],
            state=found["BrokerState"],
            users=tuple(user["Username"] for user in found.get("Users", [])),
            tags=found.get("Tags", {}),
        )

    def set_password(self, broker: Broker, username: str, password: str) -> None:
        """Give a user of the broker a password; it counts after a reboot."""
        with translated(f"user {username} of broker {broker.name}"):
            self._client.update_user(
                BrokerId=broker.broker_id, Username=username, Password=password
            )

    def reboot(self, broker: Broker) -> None:
        """Restart the broker; does not wait."""
        with translated(f"broker {broker.name}"):
            self._client.reboot_broker(BrokerId=broker.broker_id)

    def tag(self, broker: Broker, tags: Mapping[str, str]) -> None:
        """Add tags to the broker."""
        with translated(f"broker {broker.name}"):
            self._client.create_tags(ResourceArn=broker.arn, Tags=dict(tags))

    def wait_until_ready(self, broker_id: str, pause: Callable[[], bool]) -> Broker:
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
