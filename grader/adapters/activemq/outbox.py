"""Builds outgoing frames and transactions."""

from __future__ import annotations

from collections.abc import Mapping

from stomp.utils import Frame as WireFrame

from grader.ports.messages import Outgoing


class Transaction:
    """Sends and acknowledgements that are committed together; see `Connection.transaction`."""

    def __init__(self, name: str) -> None:
        """Start empty; `name` must be unique on its connection."""
        self._name = name
        self._frames: list[WireFrame] = []

    def send(self, queue: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Add one persistent message."""
        frame = send_frame(queue, body, {**(headers or {}), "transaction": self._name})
        self._frames.append(frame)

    def ack(self, ack_id: str) -> None:
        """Add one acknowledgement."""
        self._frames.append(_frame("ACK", {"id": ack_id, "transaction": self._name}))

    def content(self) -> list[WireFrame]:
        """Return BEGIN and what was added."""
        return [_frame("BEGIN", {"transaction": self._name}), *self._frames]

    def commit(self, receipt: str) -> WireFrame:
        """Return a COMMIT that asks for `receipt`."""
        return _frame("COMMIT", {"transaction": self._name, "receipt": receipt})

    def abort(self) -> WireFrame:
        """Return an ABORT."""
        return _frame("ABORT", {"transaction": self._name})


def _path(queue: str) -> str:
    return queue if queue.startswith("/") else f"/queue/{queue}"


def subscribe_frame(queue: str, subscription: str, headers: Mapping[str, str]) -> WireFrame:
    """Build SUBSCRIBE: prefetch of 1, individual acknowledgement; `headers` override that."""
    usual = {"ack": "client-individual", "activemq.prefetchSize": "1"}
    fixed = {"destination": _path(queue), "id": subscription}
    return _frame("SUBSCRIBE", {**usual, **headers, **fixed})


def unsubscribe_frame(subscription: str) -> WireFrame:
    """Build UNSUBSCRIBE."""
    return _frame("UNSUBSCRIBE", {"id": subscription})


def send_frame(queue: str, body: bytes, headers: Mapping[str, str]) -> WireFrame:
    """Build SEND, persistent; `queue` is a name, or a destination that starts with a slash."""
    fixed = {
        "destination": _path(queue),
        "persistent": "true",
        "content-length": str(len(body)),
        "amq-msg-type": _message_type(body),
    }
    return _frame("SEND", {**headers, **fixed}, body)


def outgoing_headers(message: Outgoing) -> dict[str, str]:
    """Return the headers of a message with its delay."""
    delay = {"AMQ_SCHEDULED_DELAY": str(message.delay_ms)} if message.delay_ms else {}
    return {**message.headers, **delay}


def _message_type(body: bytes) -> str:
    """Choose the JMS type; a binary body would be altered in a text message."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "bytes"
    return "bytes" if "\0" in text else "text"


def _frame(command: str, headers: Mapping[str, str], body: bytes = b"") -> WireFrame:
    return WireFrame(command, {_escape(k): _escape(v) for k, v in headers.items()}, body)


def _escape(value: str) -> str:
    """Escape the name or value of a header for STOMP 1.2."""
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), (":", "\\c")):
        value = value.replace(plain, escaped)
    return value
