"""What passes between the thread that reads the socket and the thread that works."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from stomp.utils import Frame as WireFrame

from grader.adapters.activemq.refusals import explains, refusal


@dataclass(frozen=True)
class Frame:
    """One MESSAGE frame as it came from the broker."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def message_id(self) -> str:
        """The broker's name for the message."""
        return self.headers.get("message-id", "")

    @property
    def subscription(self) -> str:
        """The subscription it came by."""
        return self.headers.get("subscription", "")

    @property
    def ack_id(self) -> str:
        """What an acknowledgement must quote; empty when none is expected."""
        return self.headers.get("ack", "")


class Inbox:
    """
    A listener of stomp.py that only sorts frames into queues, so the reading thread never waits.

    Once the connection is lost, each call says so, with the broker's last words when it had any:
    `AccessError` when they are that we may not do something, else `ConnectionLostError`.
    """

    def __init__(self, where: str) -> None:
        """`where` is the address for error texts."""
        self._where = where
        self._messages: queue.SimpleQueue[Frame | None] = queue.SimpleQueue()
        self._receipts: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._watch: Callable[[Frame], None] = lambda _frame: None
        self._last_words = ""
        self._explained = threading.Event()
        self.answered = threading.Event()
        self.lost = threading.Event()

    # --- called by stomp.py, on the reading thread ---

    def on_message(self, frame: WireFrame) -> None:
        """Keep a message for `next_message`."""
        message = Frame(frame.headers, frame.body)
        self._messages.put(message)
        self._watch(message)

    def on_receipt(self, frame: WireFrame) -> None:
        """Keep a receipt for `await_receipt`."""
        self._receipts.put(frame.headers.get("receipt-id", ""))

    def on_connected(self, _frame: WireFrame) -> None:
        """Note that the broker let us in."""
        self.answered.set()

    def on_error(self, frame: WireFrame) -> None:
        """Note the broker's complaint; after it a STOMP connection is of no use."""
        words = frame.headers.get("message") or frame.body.decode(errors="replace")
        first = words.splitlines()[0] if words else "the broker answered ERROR"
        if not explains(self._last_words):
            self._last_words = first
        self.lose(first)

    def on_disconnected(self) -> None:
        """Note the end of the stream."""
        self.lose("the broker closed the connection")

    def on_heartbeat_timeout(self) -> None:
        """Note that the broker went silent."""
        self.lose("no heartbeat from the broker")

    # --- called by the thread that works ---

    def watch(self, callback: Callable[[Frame], None]) -> None:
        """Have the reading thread call this with each message; it must not block."""
        self._watch = callback

    def lose(self, words: str) -> None:
        """End all waiting; the first reason is the one that is told."""
        self._last_words = self._last_words or words
        if explains(self._last_words):
            self._explained.set()
        self.lost.set()
        self.answered.set()
        self._messages.put(None)
        self._receipts.put(None)

    @property
    def last_words(self) -> str:
        """Why the connection was lost."""
        return self._last_words

    def check(self) -> None:
        """Raise `ConnectionLostError` or `AccessError` when the connection is gone."""
        if self.lost.is_set():
            raise refusal(self._last_words, self._where)

    def await_reason(self, timeout_seconds: float) -> None:
        """Wait for why a transaction was rolled back; its frame may come after the commit's."""
        self._explained.wait(timeout_seconds)

    def next_message(self, timeout_seconds: float) -> Frame | None:
        """Wait for a message; None when none came in time."""
        self.check()
        try:
            frame = self._messages.get(timeout=max(timeout_seconds, 0.0))
        except queue.Empty:
            return None
        self.check()
        return frame

    def await_receipt(self, receipt: str, timeout_seconds: float) -> None:
        """Wait until the broker confirms; raises as `check` when it does not."""
        deadline = monotonic() + timeout_seconds
        found: str | None = ""
        while found != receipt:
            self.check()
            try:
                found = self._receipts.get(timeout=max(deadline - monotonic(), 0.0))
            except queue.Empty:
                silent = f"no receipt from the broker within {timeout_seconds:g} s"
                self.lose(f"{silent}; a queue may be full")
