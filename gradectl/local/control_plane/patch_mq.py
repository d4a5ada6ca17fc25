"""
Gives moto's Amazon MQ what a real broker needs: passwords, and changes applied by a reboot.

As on AWS, a changed configuration, user, group or password takes effect at the next reboot;
creating a user that exists fails, and so does changing or deleting one that does not.
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
    """The error of Amazon MQ for a user that already exists."""

    error_attribute = "username"

    def __init__(self, username: str) -> None:
        super().__init__(f"User [{username}] already exists.")


class BrokerMqResponse(MQResponse):
    """Moto's handlers, for brokers that have a data plane."""

    def create_broker(self) -> ActionResult:
        """Handle CreateBroker; the broker stays in creation until its data plane runs."""
        answer = super().create_broker()
        created = cast("dict[str, str]", answer.result)
        broker = self.mq_backend.describe_broker(created["brokerId"])
        passwords = {user["Username"]: user["Password"] for user in self._get_param("Users", [])}
        attributes(broker).update(passwords=passwords, reboots=0)
        if has_data_plane(broker):
            broker.state = CREATING
            _apply(broker, self._stored_xml(broker))
        return answer

    def update_broker(self) -> ActionResult:
        """Handle UpdateBroker; another configuration is pending until the next reboot."""
        configurations = self._broker().configurations
        current, history = configurations["current"], [*configurations["history"]]
        super().update_broker()
        if configurations["current"] != current:
            configurations["pending"] = configurations["current"]
            configurations.update(current=current, history=history)
        return self.describe_broker()

    def create_user(self) -> ActionResult:
        """Handle CreateUser; the user can connect after the next reboot."""
        username = self._get_param("Username")
        if username in {user.username for user in self._broker().users}:
            raise UserExistsError(username)
        answer = super().create_user()
        self._store_password()
        return answer

    def update_user(self) -> ActionResult:
        """Handle UpdateUser; omitted members keep their values, and a reboot applies the change."""
        user = self._broker().get_user(self._get_param("Username"))
        console_access, groups = user.console_access, user.groups
        answer = super().update_user()
        if self._get_param("ConsoleAccess") is None:
            user.console_access = console_access
        user.groups = self._get_param("Groups", groups)
        self._store_password()
        return answer

    def delete_user(self) -> ActionResult:
        """Handle DeleteUser; the user can connect until the next reboot."""
        self._broker().get_user(self._get_param("Username"))
        return super().delete_user()

    def reboot_broker(self) -> ActionResult:
        """Handle RebootBroker: apply all changes since the last reboot."""
        answer = super().reboot_broker()
        broker = self._broker()
        if pending := broker.configurations.pop("pending", None):
            if current := broker.configurations["current"]:
                broker.configurations["history"].append(current)
            broker.configurations["current"] = pending
        if has_data_plane(broker):
            broker.state = REBOOTING
            attributes(broker)["reboots"] += 1
            _apply(broker, self._stored_xml(broker))
        return answer

    def _broker(self) -> MotoBroker:
        return self.mq_backend.describe_broker(self._get_param("BrokerId"))

    def _store_password(self) -> None:
        if password := self._get_param("Password"):
            attributes(self._broker())["passwords"][self._get_param("Username")] = password

    def _stored_xml(self, broker: MotoBroker) -> str:
        """Read the configuration revision that is selected for the broker."""
        current = broker.configurations["current"]
        revision = self.mq_backend.describe_configuration_revision(
            current["Id"], str(current["Revision"])
        )
        return base64.b64decode(revision.data).decode()


def patch_mq() -> None:
    """Install these handlers in this process."""
    for path in urls.url_paths:
        urls.url_paths[path] = BrokerMqResponse.dispatch


def has_data_plane(broker: MotoBroker) -> bool:
    """Return True for ActiveMQ, the one broker engine that runs locally."""
    return bool(broker.engine_type.upper() == "ACTIVEMQ")


def applied(broker: MotoBroker) -> CloudBroker:
    """Return the broker as of its creation or last reboot: what its data plane has to run."""
    found: CloudBroker = attributes(broker)["applied"]
    return found


def attributes(broker: MotoBroker) -> dict[str, Any]:
    """Return the attributes of moto's object, where ours are stored with the same lifetime."""
    return vars(broker)


def _apply(broker: MotoBroker, xml: str) -> None:
    passwords = attributes(broker)["passwords"]
    users = tuple(
        BrokerUser(user.username, passwords[user.username], tuple(user.groups))
        for user in broker.users
    )
    attributes(broker)["applied"] = CloudBroker(
        broker.id, attributes(broker)["reboots"], BrokerSpec(broker.name, xml, users)
    )
