"""Connections to the broker of an environment, with address and login from SSM."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from gradectl.adapters.aws.account import Aws
from gradectl.errors import UnreachableError
from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.contract.names import parameter_name
from grader.errors import AccessError, ConnectionLostError

_CONNECT_SECONDS = 10.0


@dataclass(frozen=True)
class BrokerAccess:
    """
    Address and login of a broker.

    Attributes:
        endpoints: ``stomp+ssl://host:port``, separated by commas.
        user: Name of a broker user.
        password: The user's password.
        ca_file: Certificate authorities to trust; None for those of the system.
        advice: Next step when the broker does not answer.
        login_advice: Next step when it rejects the user name or password.
    """

    endpoints: str
    user: str
    password: str = field(repr=False)
    ca_file: Path | None = None
    advice: str = (
        "check that the broker runs, and that this machine can reach its STOMP port"
        " (docs/deploy.md#reaching-the-broker)"
    )
    login_advice: str = "compare user name and password with those of the broker"


def read_access(
    aws: Aws,
    environment: str,
    role: str | None = None,
    *,
    ca_file: Path | None = None,
    advice: str = BrokerAccess.advice,
) -> BrokerAccess:
    """
    Read address and login from SSM, as the programs of the environment do.

    Args:
        aws: The account.
        environment: The environment.
        role: Role to log in as; the admin when None or when the broker has no user for it.
        ca_file: Certificate authorities to trust.
        advice: Next step when the broker does not answer.

    Raises:
        ConfigurationError: A parameter does not exist; the environment was not applied.
    """
    names = _names(environment, f"mq-{role}" if role else "mq")
    found = aws.parameters_if_any(names)
    if len(found) < len(names):
        names = _names(environment, "mq")
        found = aws.parameters(names)
    endpoints, user, password = (found[name] for name in names)
    login_advice = (
        f"gradectl apply {environment} sets the user's group and the password from SSM"
        f" ({names[1]}, {names[2]})"
    )
    return BrokerAccess(endpoints, user, password, ca_file, advice, login_advice)


def _names(environment: str, part: str) -> list[str]:
    """Names of the parameters with address, user name and password."""
    login = (parameter_name(environment, part, key) for key in ("username", "password"))
    return [parameter_name(environment, "mq", "broker-endpoint"), *login]


@contextmanager
def open_broker(access: BrokerAccess) -> Iterator[StompBroker]:
    """
    Connect to the broker for the block.

    Raises:
        UnreachableError: No endpoint answers.
        AccessError: The broker rejected the user name or password.
        TrustError: Its certificate is not trusted.
    """
    with _connected(access) as connection:
        yield StompBroker(access, connection)


class StompBroker:
    """
    See `gradectl.queues.broker.Broker`.

    Args:
        access: Address and login, for the connections of watches.
        connection: Connection for everything else.
    """

    def __init__(self, access: BrokerAccess, connection: Connection) -> None:
        self._access = access
        self._connection = connection

    @cached_property
    def inspector(self) -> ActiveMQQueueInspector:
        """Browses queues without consuming messages."""
        return ActiveMQQueueInspector(self._connection)

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a persistent message and wait for the broker's receipt."""
        self._connection.send(queue, body, headers)

    @contextmanager
    def watch(self, queue: str, correlation_id: str) -> Iterator[StompWatch]:
        """Subscribe to the messages of one correlation id, on a separate connection."""
        quoted = correlation_id.replace("'", "''")
        with _connected(self._access) as connection:
            selector = f"JMSCorrelationID = '{quoted}'"
            connection.subscribe(queue, headers={"selector": selector})
            yield StompWatch(connection)


class StompWatch:
    """
    See `gradectl.queues.broker.Watch`.

    Args:
        connection: Connection with one subscription, from `StompBroker.watch`.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def take(self, timeout_seconds: float) -> bytes | None:
        """Consume the next message of the subscription."""
        frame = self._connection.next_frame(timeout_seconds)
        if frame is None:
            return None
        self._connection.ack(frame)
        return frame.body


@contextmanager
def _connected(access: BrokerAccess) -> Iterator[Connection]:
    try:
        connection = connect(
            [access.endpoints],
            access.user,
            access.password,
            ca_file=access.ca_file,
            timeout_seconds=_CONNECT_SECONDS,
        )
    except ConnectionLostError as error:
        raise UnreachableError(
            f"the broker does not answer: {error.what}",
            where=access.endpoints,
            next_step=access.advice,
        ) from error
    except AccessError as error:
        error.next_step = access.login_advice
        raise
    try:
        yield connection
    finally:
        connection.close()
