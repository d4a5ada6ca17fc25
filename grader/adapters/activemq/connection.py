"""
One connection to ActiveMQ, used by one thread.

It is opened once: a lost connection raises `ConnectionLostError` from every call, and whoever owns
it opens a new one, because subscriptions and unacknowledged messages do not outlive it.  Where the
broker refuses a call because its user may not make it, that and every later call raise
`AccessError`, which a new connection of the same user would not mend.
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
from grader.adapters.activemq.transport import StompClient, StompTransport
from grader.errors import AccessError, ConnectionLostError, SettingsError, TrustError

#: What stomp.py and the socket raise when the connection goes away under a call; AttributeError,
#: because stomp.py then sets its socket and queues to None.
_GONE = (OSError, AttributeError, StompException)
#: How much later than the refusal of a commit its reason may come.
_REASON_SECONDS = 1.0
_REFUSED_WORDS = ("password", "user name", "not authorized", "authentication", "security")


def connect(  # noqa: PLR0913  # all but three have defaults and are named at the call
    endpoints: Sequence[str],
    user: str,
    password: str,
    *,
    ca_file: Path | str | None = None,
    timeout_seconds: float = 10.0,
    name: str = "gradectl",
) -> Connection:
    """
    Connect to the first endpoint that lets us in.

    Args:
        endpoints: ``stomp+ssl://host:port`` each; an item may be a list with commas.
        user: Name of a broker user.
        password: The user's password.
        ca_file: Certificate authorities to trust; by default those of the system.
        timeout_seconds: For all steps of connecting to one endpoint together.
        name: Prefix of subscription ids, so that the broker's console tells who is who.

    Raises:
        AccessError: The broker refused the user name or password.
        TrustError: The broker's certificate is not trusted or of another host.
        ConnectionLostError: No endpoint can be reached.
        SettingsError: An endpoint is malformed, or `ca_file` is of no use.
    """
    addresses = BrokerAddress.parse_all(endpoints)
    context = _tls_context(ca_file) if any(address.tls for address in addresses) else None
    problems = []
    for address in addresses:
        try:
            connection = Connection(address, context, timeout_seconds, name)
            connection.open(user, password)
        except ConnectionLostError as error:
            problems.append(str(error))
        else:
            return connection
    raise ConnectionLostError(
        "; ".join(problems),
        where="broker",
        next_step="check that the broker is running and that the network lets us reach it",
    )


def _tls_context(ca_file: Path | str | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise SettingsError(str(error), where=str(ca_file)) from error


class Connection:
    """See the module; made by `connect`."""

    def __init__(
        self,
        address: BrokerAddress,
        context: ssl.SSLContext | None,
        timeout_seconds: float,
        name: str,
    ) -> None:
        """Prepare; nothing is opened before `open`."""
        self.address = address
        self._timeout_seconds = timeout_seconds
        self._name = name
        self._numbers = itertools.count(1)
        self._inbox = Inbox(str(address))
        self._transport = StompTransport(address, context if address.tls else None, timeout_seconds)
        self._client = StompClient(self._transport)
        self._client.set_listener("inbox", self._inbox)

    def open(self, user: str, password: str) -> None:
        """Connect and log in within the deadline; raises as `connect` does."""
        deadline = monotonic() + self._timeout_seconds
        try:
            self._client.open(user, password)
        except ssl.SSLCertVerificationError as error:
            raise TrustError(
                f"the certificate is not trusted: {error.verify_message}",
                where=str(self.address),
                next_step="add its authority to the system's, or name its file in SSL_CERT_FILE",
            ) from error
        except _GONE as error:
            raise ConnectionLostError(str(error), where=str(self.address)) from error
        if not self._inbox.answered.wait(max(deadline - monotonic(), 0.0)):
            self._inbox.lose(f"no answer within {self._timeout_seconds:g} s")
        self._check_let_in(user)

    def _check_let_in(self, user: str) -> None:
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
        Ask for the messages of a queue, each to be acknowledged on its own.

        Args:
            queue: Its name, or a full destination that starts with a slash.
            headers: More of them, or others than the defaults (ack mode, a prefetch of 1).

        Returns:
            The id that frames of this subscription carry.
        """
        subscription = self._number("sub")
        self._transmit([subscribe_frame(queue, subscription, headers or {})])
        return subscription

    def unsubscribe(self, subscription: str) -> None:
        """
        Give back what a subscription has delivered, at once, and want no more of it.

        Only for messages nobody works on: one that is being worked on would be done twice.
        """
        self._transmit([unsubscribe_frame(subscription)])

    def watch(self, callback: Callable[[Frame], None]) -> None:
        """Have the reading thread call this with each message; it must not block."""
        self._inbox.watch(callback)

    def next_frame(self, timeout_seconds: float) -> Frame | None:
        """Wait for the next message of any subscription; None when none came in time."""
        return self._inbox.next_message(timeout_seconds)

    def send(self, queue: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send one persistent message and wait until the broker has it."""
        receipt = self._number("receipt")
        frame = send_frame(queue, body, {**(headers or {}), "receipt": receipt})
        self._transmit([frame])
        self._inbox.await_receipt(receipt, self._timeout_seconds)

    def ack(self, frame: Frame) -> None:
        """Acknowledge one message and wait until the broker knows."""
        with self.transaction() as transaction:
            transaction.ack(frame.ack_id)

    @contextmanager
    def transaction(self) -> Generator[Transaction]:
        """
        Collect sends and acknowledgements, and do them all or none at the end of the block.

        Nothing leaves before the end, so a block that raises has done nothing and the connection
        stays good.  Raises `ConnectionLostError` when the broker did not confirm the commit; then
        the broker has rolled it back, or done it and could not say so.  Raises `AccessError` when
        something in it is not allowed; then nothing of it was done.

        The sends ask for no receipt of their own: the broker spoils a transaction only for a
        refused frame that nobody waits for, and would commit the rest without any other.
        """
        transaction = Transaction(self._number("tx"))
        yield transaction
        receipt = self._number("receipt")
        self._transmit(transaction.frames(receipt))
        try:
            self._inbox.await_receipt(receipt, self._timeout_seconds)
        except (AccessError, ConnectionLostError):
            self._inbox.await_reason(_REASON_SECONDS)
            self._transport.disconnect_socket()  # makes the broker roll back
            self._inbox.check()
            raise

    def close(self) -> None:
        """Say goodbye, wait until the broker has heard it, and close the socket."""
        if not self._inbox.lost.is_set():
            try:
                self._client.disconnect(receipt=self._number("receipt"))
            except _GONE:
                self._inbox.lose("closed")
        self._inbox.lost.wait(self._timeout_seconds)
        self._transport.disconnect_socket()
        self._inbox.lose("closed")

    def drop(self) -> None:
        """Close the socket without a word; what was not acknowledged is delivered again."""
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
