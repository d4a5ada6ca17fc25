"""
What moto's Amazon MQ forgets and a real broker needs: passwords, and what a reboot puts in force.

On AWS a changed configuration, user, group or password works after the next reboot only. So it is
here. And as there, a user is made once, and one that is not there cannot be changed or removed.
"""

from __future__ import annotations

import base64
from typing import Any, cast

from moto.core.responses import ActionResult
from moto.mq import urls
from moto.mq.exceptions import ConflictException
from moto.mq.models import Broker as MotoBroker
from moto.mq.responses import MQResponse

from gradectl.local.desired import CloudBroker
from gradectl.local.engines.activemq import BrokerSpec
from gradectl.local.engines.broker_xml import BrokerUser

RUNNING = "RUNNING"
CREATING = "CREATION_IN_PROGRESS"
REBOOTING = "REBOOT_IN_PROGRESS"
FAILED = "CREATION_FAILED"


class UserExistsError(ConflictException):
    """What Amazon MQ answers when a user is made that is there."""

    error_attribute = "username"

    def __init__(self, username: str) -> None:
        """Name the user."""
        super().__init__(f"User [{username}] already exists.")


class ServedMqResponse(MQResponse):
    """Moto's answers for brokers that have a data plane."""

    def create_broker(self) -> ActionResult:
        """Keep the passwords; the broker is there when its data plane says so."""
        answer = super().create_broker()
        created = cast("dict[str, str]", answer.result)
        broker = self.mq_backend.describe_broker(created["brokerId"])
        passwords = {user["Username"]: user["Password"] for user in self._get_param("Users", [])}
        attributes(broker).update(passwords=passwords, reboots=0)
        if has_data_plane(broker):
            broker.state = CREATING
            _put_in_force(broker, self._stored_xml(broker))
        return answer

    def create_user(self) -> ActionResult:
        """Make a user, with its password, that counts from the next reboot on."""
        username = self._get_param("Username")
        if username in {user.username for user in self._broker().users}:
            raise UserExistsError(username)
        answer = super().create_user()
        self._keep_password()
        return answer

    def update_user(self) -> ActionResult:
        """Keep the password until the next reboot, and what is not named as it is."""
        user = self._broker().get_user(self._get_param("Username"))
        console_access, groups = user.console_access, user.groups
        answer = super().update_user()
        if self._get_param("ConsoleAccess") is None:
            user.console_access = console_access
        user.groups = self._get_param("Groups", groups)
        self._keep_password()
        return answer

    def delete_user(self) -> ActionResult:
        """Remove a user, who may connect until the next reboot."""
        self._broker().get_user(self._get_param("Username"))
        return super().delete_user()

    def reboot_broker(self) -> ActionResult:
        """Put everything in force that was changed since the last reboot."""
        answer = super().reboot_broker()
        broker = self._broker()
        if has_data_plane(broker):
            broker.state = REBOOTING
            attributes(broker)["reboots"] += 1
            _put_in_force(broker, self._stored_xml(broker))
        return answer

    def _broker(self) -> MotoBroker:
        return self.mq_backend.describe_broker(self._get_param("BrokerId"))

    def _keep_password(self) -> None:
        if password := self._get_param("Password"):
            attributes(self._broker())["passwords"][self._get_param("Username")] = password

    def _stored_xml(self, broker: MotoBroker) -> str:
        """Read the revision of the configuration that the broker is set to."""
        current = broker.configurations["current"]
        revision = self.mq_backend.describe_configuration_revision(
            current["Id"], str(current["Revision"])
        )
        return base64.b64decode(revision.data).decode()


def serve_brokers() -> None:
    """Let these answers stand in for moto's in this process."""
    for path in urls.url_paths:
        urls.url_paths[path] = ServedMqResponse.dispatch


def has_data_plane(broker: MotoBroker) -> bool:
    """Tell whether a broker is of the engine that runs here."""
    return bool(broker.engine_type.upper() == "ACTIVEMQ")


def in_force(broker: MotoBroker) -> CloudBroker:
    """Give what the broker has to run with since its creation or last reboot."""
    found: CloudBroker = attributes(broker)["in_force"]
    return found


def attributes(broker: MotoBroker) -> dict[str, Any]:
    """Give the place on moto's own object where ours is kept, so that both end together."""
    return vars(broker)


def _put_in_force(broker: MotoBroker, xml: str) -> None:
    passwords = attributes(broker)["passwords"]
    users = tuple(
        BrokerUser(user.username, passwords[user.username], tuple(user.groups))
        for user in broker.users
    )
    attributes(broker)["in_force"] = CloudBroker(
        broker.id, attributes(broker)["reboots"], BrokerSpec(broker.name, xml, users)
    )
