"""Frames that we write, and transactions made of them."""

from __future__ import annotations

from collections.abc import Mapping

from stomp.utils import Frame as WireFrame


class Transaction:
    """Sends and acknowledgements that take effect together; see `Connection.transaction`."""

    def __init__(self, name: str) -> None:
        """`name` is unique on its connection."""
        self._name = name
        self._frames: list[WireFrame] = []

    def send(self, queue: str, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        """Send one persistent message, at the commit."""
        frame = send_frame(queue, body, {**(headers or {}), "transaction": self._name})
        self._frames.append(frame)

    def ack(self, ack_id: str) -> None:
        """Acknowledge one message, at the commit."""
        self._frames.append(_frame("ACK", {"id": ack_id, "transaction": self._name}))

    def frames(self, receipt: str) -> list[WireFrame]:
        """All of it, from BEGIN to a COMMIT that asks for `receipt`."""
        begin = _frame("BEGIN", {"transaction": self._name})
        commit = _frame("COMMIT", {"transaction": self._name, "receipt": receipt})
        return [begin, *self._frames, commit]


def _path(queue: str) -> str:
    return queue if queue.startswith("/") else f"/queue/{queue}"


def subscribe_frame(queue: str, subscription: str, headers: Mapping[str, str]) -> WireFrame:
    """Ask for a queue's messages, one at a time and each acknowledged, unless `headers` differ."""
    usual = {"ack": "client-individual", "activemq.prefetchSize": "1"}
    fixed = {"destination": _path(queue), "id": subscription}
    return _frame("SUBSCRIBE", {**usual, **headers, **fixed})


def unsubscribe_frame(subscription: str) -> WireFrame:
    """Want no more of a subscription."""
    return _frame("UNSUBSCRIBE", {"id": subscription})


def send_frame(queue: str, body: bytes, headers: Mapping[str, str]) -> WireFrame:
    """Send one persistent message; `queue` may be a full destination that starts with a slash."""
    fixed = {
        "destination": _path(queue),
        "persistent": "true",
        "content-length": str(len(body)),
        "amq-msg-type": _message_type(body),
    }
    return _frame("SEND", {**headers, **fixed}, body)


def _message_type(body: bytes) -> str:
    """Say what JMS clients get; a body that is no text must not be made one, it would change."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return "bytes"
    return "bytes" if "\0" in text else "text"


def _frame(command: str, headers: Mapping[str, str], body: bytes = b"") -> WireFrame:
    return WireFrame(command, {_escape(k): _escape(v) for k, v in headers.items()}, body)


def _escape(value: str) -> str:
    """Write a header's name or value as STOMP 1.2 wants it."""
    for plain, escaped in (("\\", "\\\\"), ("\n", "\\n"), ("\r", "\\r"), (":", "\\c")):
        value = value.replace(plain, escaped)
    return value
