"""
One connection to ActiveMQ, used by one thread.

It does not reconnect: after a loss every call raises `ConnectionLostError`, and the owner opens a
new connection, because subscriptions and unacknowledged messages end with it. If the user lacks the
right for a call, that and every later call raise `AccessError`; a new connection of the same user
would not fix that.
"""

from __future__ import annotations

import itertools
import ssl
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from stomp.exception import StompException
from stomp.utils import Frame as WireFrame

from grader.adapters.activemq.address import BrokerAddress
from grader.adapters.activemq.frames import Frame, Inbox
from grader.adapters.activemq.outbox import (
    Transaction,
    send_frame,
    subscribe_frame,
    unsubscribe_frame,
)
from grader.adapters.activemq.transport import HEARTBEAT_MS, StompClient, StompTransport
from grader.adapters.trust import untrusted
from grader.errors import AccessError, ConnectionLostError, SettingsError

#: Raised by stomp.py and the socket when the connection is lost during a call; AttributeError,
#: because stomp.py then sets its socket and queues to None.
_GONE = (OSError, AttributeError, StompException)
#: Time for the reason of a refused commit to arrive.
_REASON_SECONDS = 1.0
_REFUSED_WORDS = ("password", "user name", "not authorized", "authentication", "security")


def connect(  # noqa: PLR0913  # three are required, the others are keywords with defaults
    endpoints: Sequence[str],
    user: str,
    password: str,
    *,
    ca_file: Path | str | None = None,
    timeout_seconds: float = 10.0,
    name: str = "gradectl",
    heartbeat_ms: int = HEARTBEAT_MS,
) -> Connection:
    """
    Connect to the first endpoint that accepts the login.

    Args:
        endpoints: ``stomp+ssl://host:port`` each; an item may be a comma-separated list.
        user: Name of a broker user.
        password: The user's password.
        ca_file: Certificate authorities to trust; by default those of the system.
        timeout_seconds: For connecting to one endpoint, all steps together.
        name: Prefix of subscription ids, to identify the client in the broker's console.
        heartbeat_ms: Interval of heartbeats; a dead broker is noticed after 2.5 of them.

    Raises:
        AccessError: The broker refused the user name or password.
        TrustError: The broker's certificate is not trusted, or is for another host.
        ConnectionLostError: No endpoint is reachable.
        SettingsError: An endpoint is malformed, or `ca_file` is unreadable.
    """
    addresses = BrokerAddress.parse_all(endpoints)
    context = _tls_context(ca_file) if any(address.tls for address in addresses) else None
    problems = []
    for address in addresses:
        try:
            connection = Connection(address, context, timeout_seconds, name, heartbeat_ms)
            connection.open(user, password)
        except ConnectionLostError as error:
            problems.append(str(error))
        else:
            return connection
    raise ConnectionLostError(
        "; ".join(problems),
        where="broker",
        next_step="check that the broker is running and reachable from this network",
    )


def _tls_context(ca_file: Path | str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(str(error), where=str(ca_file)) from error


class Connection:
    """One connection; see the module. Created by `connect`."""

    def __init__(
        self,
        address: BrokerAddress,
        context: ssl.SSLContext | None,
        timeout_seconds: float,
        name: str,
        heartbeat_ms: int,
    ) -> None:
        """Prepare; `open` connects."""
        self.address = address
        self._timeout_seconds = timeout_seconds
        self._name = name
        self._numbers = itertools.count(1)
        self._transport = StompTransport(address, context if address.tls else None, timeout_seconds)
        self._client = StompClient(self._transport, heartbeat_ms)
        self._inbox = Inbox(str(address), is_silent=self._client.is_silent)
        self._client.set_listener("inbox", self._inbox)

    @property
    def is_lost(self) -> bool:
        """True once the connection has ended; it does not come back."""
        return self._inbox.lost.is_set()

    def open(self, user: str, password: str) -> None:
        """Connect and log in within the deadline; raises as `connect` does."""
        deadline = monotonic() + self._timeout_seconds
        try:
            self._client.open(user, password)
        except ssl.SSLCertVerificationError as error:
            advice = "add its authority to the system's, or set SSL_CERT_FILE to its file"
            raise untrusted(error, str(self.address), advice) from error
        except _GONE as error:
            raise ConnectionLostError(str(error), where=str(self.address)) from error
        if not self._inbox.answered.wait(max(deadline - monotonic(), 0.0)):
            self._inbox.lose(f"no answer within {self._timeout_seconds:g} s")
        self._check_login(user)

    def _check_login(self, user: str) -> None:
        if not self._inbox.lost.is_set():
            return
        self._transport.disconnect_socket()
        words = self._inbox.last_words
        if any(word in words.lower() for word in _REFUSED_WORDS):
            raise AccessError(
                f"user {user!r} was refused: {words}",
                where=str(self.address),
                next_step="compare user and password with those of the broker",
            )
        self._inbox.check()

    def subscribe(self, queue: str, *, headers: Mapping[str, str] | None = None) -> str:
        """
        Subscribe to a queue, with individual acknowledgement.

        Args:
            queue: Its name, or a full destination that starts with a slash.
            headers: Additional headers, which override the defaults (ack mode, a prefetch of 1).

        Returns:
            The id of the subscription, found in its frames.
        """
        subscription = self._number("sub")
        self._transmit([subscribe_frame(queue, subscription, headers or {})])
        return subscription

    def unsubscribe(self, subscription: str) -> None:
        """
        End a subscription; the broker redelivers its unacknowledged messages at once.

        Never for the subscription of a running job, whose message would be processed twice.
        """
        self._transmit([unsubscribe_frame(subscription)])

    def watch(self, callback: Callable[[Frame], None]) -> None:
        """Let the reading thread call `callback` with each message; it must not block."""
        self._inbox.watch(callback)

    def next_frame(self, timeout_seconds: float, *, receipt: str = "") -> Frame | None:
        """
        Wait for the next message of any subscription.

        Args:
            timeout_seconds: Time to wait.
            receipt: Ends the waiting when it comes before a message; it is still to be confirmed.

        Returns:
            None after the timeout, or because of the receipt.
        """
        return self._inbox.next_message(timeout_seconds, receipt=receipt)

    def frame_before_silence(self, seconds: float) -> Frame | None:
        """Wait for the next message; None when nothing but heartbeats has come for so long."""
        started = monotonic()
        while True:
            quiet_since = max(started, self._transport.data_at)
            left = quiet_since + seconds - monotonic()
            if left <= 0:
                return None
            if (frame := self._inbox.next_message(left)) is not None:
                return frame

    def send(self, queue: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send one persistent message and wait for the receipt."""
        receipt = self._number("receipt")
        frame = send_frame(queue, body, {**(headers or {}), "receipt": receipt})
        self._transmit([frame])
        self._inbox.await_receipt(receipt, self._timeout_seconds)

    def ack(self, frame: Frame) -> None:
        """Acknowledge one message and wait for the receipt."""
        with self.transaction() as transaction:
            transaction.ack(frame.ack_id)

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """
        Collect sends and acknowledgements, and commit all of them when the block ends.

        Nothing is written before that, so a block that raises has no effect and the connection
        stays usable. Raises as `confirm`; the broker has then rolled back, if it has not committed.
        """
        transaction = self.begin()
        yield transaction
        try:
            self.stage(transaction)
            self.confirm(self.commit(transaction))
        except (AccessError, ConnectionLostError):
            self._transport.disconnect_socket()  # makes the broker roll back
            raise

    def begin(self) -> Transaction:
        """Return an empty transaction; nothing is written."""
        return Transaction(self._number("tx"))

    def stage(self, transaction: Transaction) -> None:
        """
        Write the content of a transaction, which has no effect before it is committed.

        Its sends ask for no receipt of their own: the broker rolls a transaction back only for a
        refused frame without a receipt, and would otherwise commit the rest.
        """
        self._transmit(transaction.content())

    def abort(self, transaction: Transaction) -> None:
        """Undo a staged transaction; its messages can be acknowledged again."""
        self._transmit([transaction.abort()])

    def commit(self, transaction: Transaction) -> str:
        """
        Commit a staged transaction.

        Returns:
            The receipt to `confirm`.
        """
        receipt = self._number("receipt")
        self._transmit([transaction.commit(receipt)])
        return receipt

    def confirm(self, receipt: str) -> None:
        """
        Wait for the receipt of a commit.

        Raises:
            ConnectionLostError: It did not come. Either the broker has committed and could not
                confirm, or it rolls back when the connection ends.
            AccessError: The user lacks a right; the broker rolls back when the connection ends.
        """
        try:
            self._inbox.await_receipt(receipt, self._timeout_seconds)
        except (AccessError, ConnectionLostError):
            self._inbox.await_reason(_REASON_SECONDS)
            self._inbox.check()
            raise

    def close(self) -> None:
        """Send DISCONNECT, wait for its receipt, and close the socket."""
        if not self._inbox.lost.is_set():
            try:
                self._client.disconnect(receipt=self._number("receipt"))
            except _GONE:
                self._inbox.lose("closed")
        self._inbox.lost.wait(self._timeout_seconds)
        self._transport.disconnect_socket()
        self._inbox.lose("closed")

    def drop(self) -> None:
        """Close the socket without DISCONNECT; unacknowledged messages are redelivered."""
        self._inbox.lose("dropped")
        self._transport.disconnect_socket()

    def _number(self, kind: str) -> str:
        return f"{self._name}-{kind}-{next(self._numbers)}"

    def _transmit(self, frames: Sequence[WireFrame]) -> None:
        self._inbox.check()
        try:
            self._transport.write_together(frames)
        except _GONE as error:
            self._inbox.lose(str(error))
            self._inbox.check()
