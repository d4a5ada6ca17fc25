"""Finds out which transport an environment uses, and sends with it, also after it was switched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Protocol

from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.sender import ActiveMQSender
from grader.adapters.sqs.client import open_sqs_client
from grader.adapters.sqs.sender import SqsSender
from grader.contract.names import PRIORITY_QUEUE, REQUESTS_QUEUE, parameter_name
from grader.errors import AccessError, ConnectionLostError, SettingsError, TemporaryError
from grader.ports.stores import ParameterStore

#: Age at which a decision is checked: the old transport is drained for longer after a switch.
DECISION_SECONDS = 60.0
_LOST = (AccessError, ConnectionLostError, SettingsError)


class ClosingSender(Protocol):
    """A `grader.ports.messages.MessageSender` that holds a connection."""

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send one persistent message; returns after it was stored."""
        ...

    def close(self) -> None:
        """Disconnect."""
        ...


@dataclass(frozen=True)
class Decision:
    """
    The transport of an environment.

    Attributes:
        urls: URL of each request queue of SQS by its name; empty for the broker.
    """

    urls: tuple[tuple[str, str], ...] = ()


def decide(parameters: ParameterStore, environment: str) -> Decision:
    """
    Read from SSM which transport an environment uses.

    A login without the right to read the parameters of SQS is that of an environment that was
    applied before there was SQS, so it has a broker.

    Raises:
        SettingsError: SQS is used, and the URL of its queue is missing.
        TemporaryError: SSM cannot be reached.
    """
    try:
        active = _read(parameters, environment, "active")
    except AccessError:
        return Decision()
    if active != "true":
        return Decision()
    name = parameter_name(environment, "sqs", "requests-url")
    urls = {REQUESTS_QUEUE: parameters.get_many([name])[name]}
    try:
        priority = _read(parameters, environment, "priority-url")
    except AccessError:  # a role has no right on a parameter that the environment does not have
        priority = ""
    if priority:
        urls[PRIORITY_QUEUE] = priority
    return Decision(tuple(urls.items()))


def _read(parameters: ParameterStore, environment: str, key: str) -> str:
    """Read a parameter of SQS; empty if it does not exist."""
    name = parameter_name(environment, "sqs", key)
    try:
        return parameters.get_many([name])[name]
    except SettingsError:
        return ""


class _ClosingSqsSender(SqsSender):
    """Sends to SQS, which has no connection to close."""

    def close(self) -> None:
        """Do nothing."""


class FollowingSender:
    """
    Sends with the transport of the environment, and follows when that is switched; thread-safe.

    Args:
        decide: Reads which transport is used.
        open_: Opens the sender of a transport.
        clock: Seconds.
    """

    def __init__(
        self,
        decide: Callable[[], Decision],
        open_: Callable[[Decision], ClosingSender],
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._decide = decide
        self._open = open_
        self._clock = clock
        self._lock = threading.Lock()
        self._opened: tuple[Decision, ClosingSender] | None = None
        self._decided_at = 0.0

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """
        Send one persistent message; returns after it was stored.

        After an error the transport is read again. If it is another one, the message is sent with
        that, and may arrive twice.
        """
        sender = self._current()
        try:
            sender.send(queue, body, headers)
        except _LOST:
            following = self._current(failed=sender)
            if following is sender:
                raise
            following.send(queue, body, headers)

    def close(self) -> None:
        """Disconnect."""
        with self._lock:
            if self._opened is not None:
                self._opened[1].close()
                self._opened = None

    def _current(self, failed: ClosingSender | None = None) -> ClosingSender:
        """Return the sender of the transport, which is read again when it is old or has failed."""
        with self._lock:
            now = self._clock()
            if self._opened is None:
                return self._replace(self._decide(), now)
            decision, sender = self._opened
            is_recent = now - self._decided_at < DECISION_SECONDS
            if sender is not failed and is_recent:
                return sender
            try:
                following = self._decide()
            except (AccessError, SettingsError, TemporaryError):
                return sender  # SSM is asked again at the next submission
            if following == decision:
                self._decided_at = now
                return sender
            sender.close()
            return self._replace(following, now)

    def _replace(self, decision: Decision, now: float) -> ClosingSender:
        sender = self._open(decision)
        self._opened, self._decided_at = (decision, sender), now
        return sender


def following_sender(
    parameters: ParameterStore, environment: str, *, region: str, ca_file: Path | str | None
) -> FollowingSender:
    """
    Make the sender of an environment; nothing is read before the first message.

    Args:
        parameters: SSM.
        environment: Name of the environment.
        region: Its region.
        ca_file: Certificate authorities for the broker's certificate.
    """

    def open_(decision: Decision) -> ClosingSender:
        if decision.urls:
            return _ClosingSqsSender(open_sqs_client(dict(decision.urls), region))
        return ActiveMQSender(lambda: _connect(parameters, environment, ca_file))

    return FollowingSender(lambda: decide(parameters, environment), open_)


def _connect(
    parameters: ParameterStore, environment: str, ca_file: Path | str | None
) -> Connection:
    """Connect to the broker with the current login."""
    endpoints, user, password = broker_login(parameters, environment)
    return connect([endpoints], user, password, ca_file=ca_file, name="grading-client")


def broker_login(parameters: ParameterStore, environment: str) -> tuple[str, str, str]:
    """
    Read address, user and password: those of the user `web`, or else of the administrator.

    Raises:
        AccessError: The credentials may read neither login.
        SettingsError: There is neither.
    """
    try:
        return _login(parameters, environment, "mq-web")
    except (AccessError, SettingsError):  # IAM does not tell whether a parameter exists
        return _login(parameters, environment, "mq")


def _login(parameters: ParameterStore, environment: str, part: str) -> tuple[str, str, str]:
    """Read address, user and password."""
    names = [
        parameter_name(environment, "mq", "broker-endpoint"),
        parameter_name(environment, part, "username"),
        parameter_name(environment, part, "password"),
    ]
    found = parameters.get_many(names)
    endpoint, user, password = (found[name] for name in names)
    return endpoint, user, password
