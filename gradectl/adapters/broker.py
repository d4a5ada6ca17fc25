"""Connections to the broker of an environment, with address and login from SSM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from gradectl.adapters.aws.account import Aws
from gradectl.errors import UnreachableError
from grader.adapters.activemq.connection import Connection, connect
from grader.adapters.activemq.inspection import ActiveMQQueueInspector
from grader.adapters.activemq.mover import ActiveMQQueueMover
from grader.contract.names import QUEUES, TransportName, parameter_name
from grader.errors import AccessError, ConnectionLostError
from grader.ports.messages import DelayedMessage, Outgoing, QueuedMessage, QueueStatistics

_Result = TypeVar("_Result")
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
    broker = StompBroker(Line(access))
    try:
        yield broker
    except ConnectionLostError as error:
        error.next_step = error.next_step or access.advice
        raise
    finally:
        broker.close()


class Line:
    """
    A connection that is opened again where it was lost, for calls that may be repeated.

    Args:
        access: Address and login.
        prepare: Called with each new connection.
    """

    def __init__(
        self, access: BrokerAccess, prepare: Callable[[Connection], object] = lambda _: None
    ) -> None:
        """Connect; raises as `open_broker` does."""
        self.access = access
        self._prepare = prepare
        self._connection = self._open()

    @property
    def connection(self) -> Connection:
        """A connection that is not known to be lost."""
        if self._connection.is_lost:
            self.close()
            self._connection = self._open()
        return self._connection

    def repeat(self, call: Callable[[Connection], _Result]) -> _Result:
        """Make a call that has no effect, and once more if the connection is lost meanwhile."""
        try:
            return call(self.connection)
        except ConnectionLostError:
            if not self._connection.is_lost:
                raise
            return call(self.connection)

    def close(self) -> None:
        """Disconnect."""
        self._connection.close()

    def _open(self) -> Connection:
        connection = _connect(self.access)
        self._prepare(connection)
        return connection


class StompBroker:
    """
    See `gradectl.queues.broker.Broker`.

    Args:
        line: The connection for all calls except watches and movers.
    """

    transport = TransportName.ACTIVEMQ
    holder = None
    whole = None

    def __init__(self, line: Line) -> None:
        self._line = line

    @cached_property
    def inspector(self) -> StompInspector:
        """Browses queues without consuming messages."""
        return StompInspector(self._line)

    def url(self, queue: str) -> str:  # noqa: ARG002 - the port's
        """Return "": queues of a broker have no URL."""
        return ""

    def further_queues(self) -> dict[str, int]:
        """Number of messages in the queues with other names that have some."""
        sizes = self.inspector.sizes()
        return {queue: size for queue, size in sizes.items() if size and queue not in QUEUES}

    def send(self, queue: str, body: bytes, headers: Mapping[str, str]) -> None:
        """Send a persistent message and wait for the broker's receipt."""
        self._line.connection.send(queue, body, headers)

    def send_all(self, messages: Sequence[Outgoing]) -> None:
        """Send persistent messages in one transaction."""
        with self._line.connection.transaction() as transaction:
            for message in messages:
                transaction.send(message.queue, message.body, message.headers)

    @contextmanager
    def watch(self, queue: str, correlation_id: str) -> Iterator[StompWatch]:
        """Subscribe to the messages of one correlation id, on a separate connection."""
        quoted = correlation_id.replace("'", "''")
        headers = {"selector": f"JMSCorrelationID = '{quoted}'"}
        line = Line(
            self._line.access, lambda connection: connection.subscribe(queue, headers=headers)
        )
        try:
            yield StompWatch(line)
        finally:
            line.close()

    @contextmanager
    def mover(self) -> Iterator[ActiveMQQueueMover]:
        """Open a separate connection that moves messages; a transaction is never repeated."""
        connection = _connect(self._line.access)
        try:
            yield ActiveMQQueueMover(connection)
        finally:
            connection.close()

    def close(self) -> None:
        """Disconnect."""
        self._line.close()


class StompInspector:
    """
    See `gradectl.queues.broker.Inspector`; a lost connection is opened again.

    Args:
        line: The connection.
    """

    can_browse = True
    age_failure = ""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._inspectors: dict[Connection, ActiveMQQueueInspector] = {}

    def statistics(self, queues: Sequence[str]) -> dict[str, QueueStatistics]:
        """Read the counters of those `queues` that exist."""
        return self._line.repeat(lambda open_: self._on(open_).statistics(queues))

    def sizes(self) -> dict[str, int]:
        """Read how many messages each queue of the broker has."""
        return self._line.repeat(lambda open_: self._on(open_).sizes())

    def browse(self, queue: str, selector: str = "") -> list[QueuedMessage]:
        """Read one page of a queue."""
        return self._line.repeat(lambda open_: self._on(open_).browse(queue, selector))

    def peek(self, queue: str, count: int, selector: str = "") -> list[QueuedMessage]:
        """Read at most the first `count` messages of a queue."""
        return self._line.repeat(lambda open_: self._on(open_).peek(queue, count, selector))

    def sent_since(self, queue: str, since_ms: int) -> list[QueuedMessage]:
        """Read one page of the messages that were sent from a time on."""
        return self.browse(queue, f"JMSTimestamp >= {since_ms}")

    def delayed(self, most: int) -> list[DelayedMessage]:
        """Read delayed messages, about the first `most`."""
        return self._line.repeat(lambda open_: self._on(open_).delayed(most))

    def _on(self, connection: Connection) -> ActiveMQQueueInspector:
        """Return the inspector of a connection, which has subscriptions there."""
        if connection not in self._inspectors:
            self._inspectors = {connection: ActiveMQQueueInspector(connection)}
        return self._inspectors[connection]


class StompWatch:
    """
    See `gradectl.queues.broker.Watch`; a lost connection is opened again.

    Args:
        line: Connection with one subscription, from `StompBroker.watch`.
    """

    def __init__(self, line: Line) -> None:
        self._line = line

    def take(self, timeout_seconds: float) -> bytes | None:
        """Consume the next message of the subscription."""
        frame = self._line.repeat(lambda open_: open_.next_frame(timeout_seconds))
        if frame is None:
            return None
        self._line.connection.ack(frame)
        return frame.body


def _connect(access: BrokerAccess) -> Connection:
    """Connect, with the advice of the environment in the errors."""
    try:
        return connect(
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
