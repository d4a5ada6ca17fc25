"""Hands frames from the thread that reads the socket to the consumer thread."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from time import monotonic

from stomp.utils import Frame as WireFrame

from grader.adapters.activemq.refusals import explains, reason, refusal

_SILENT = "no heartbeat from the broker"


@dataclass(frozen=True)
class Frame:
    """A received MESSAGE frame."""

    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def message_id(self) -> str:
        """Message id assigned by the broker."""
        return self.headers.get("message-id", "")

    @property
    def subscription(self) -> str:
        """Id of its subscription."""
        return self.headers.get("subscription", "")

    @property
    def ack_id(self) -> str:
        """Id for its acknowledgement; empty with automatic acknowledgement."""
        return self.headers.get("ack", "")


class Inbox:
    """
    A stomp.py listener that only sorts frames into queues, so the reading thread never blocks.

    Once the connection is lost, every call raises the broker's last error: `AccessError` when the
    user lacks a right, else `ConnectionLostError`.
    """

    def __init__(self, where: str, *, is_silent: Callable[[], bool] = lambda: False) -> None:
        """
        Create an inbox.

        Args:
            where: The broker's address, for errors.
            is_silent: Tells whether heartbeats are missing.
        """
        self._where = where
        self._is_silent = is_silent
        self._arrivals: queue.SimpleQueue[Frame | str | None] = queue.SimpleQueue()
        self._messages: deque[Frame] = deque()  # taken from the arrivals, as are the receipts
        self._receipts: set[str] = set()
        self._watch: Callable[[Frame], None] = lambda _frame: None
        self._last_words = ""
        self._explained = threading.Event()
        self.answered = threading.Event()
        self.lost = threading.Event()

    # --- called by stomp.py, on the reading thread ---

    def on_message(self, frame: WireFrame) -> None:
        """Queue a message for `next_message`."""
        message = Frame(frame.headers, frame.body)
        self._arrivals.put(message)
        self._watch(message)

    def on_receipt(self, frame: WireFrame) -> None:
        """Queue a receipt for `await_receipt`."""
        self._arrivals.put(frame.headers.get("receipt-id", ""))

    def on_connected(self, _frame: WireFrame) -> None:
        """Record the successful login."""
        self.answered.set()

    def on_error(self, frame: WireFrame) -> None:
        """Record the broker's error, which ends a STOMP connection."""
        body = (frame.body or b"").decode(errors="replace")
        first = reason(frame.headers.get("message", ""), body) or "the broker answered ERROR"
        if not explains(self._last_words):
            self._last_words = first
        self.lose(first)

    def on_disconnected(self) -> None:
        """Record the end of the stream, which stomp.py itself causes if heartbeats are missing."""
        self.lose(_SILENT if self._is_silent() else "the broker closed the connection")

    def on_heartbeat_timeout(self) -> None:
        """Record missing heartbeats."""
        self.lose(_SILENT)

    # --- called by the consumer thread ---

    def watch(self, callback: Callable[[Frame], None]) -> None:
        """Let the reading thread call `callback` with each message; it must not block."""
        self._watch = callback

    def lose(self, words: str) -> None:
        """Mark the connection as lost and end all waiting; the first reason is kept."""
        self._last_words = self._last_words or words
        if explains(self._last_words):
            self._explained.set()
        self.lost.set()
        self.answered.set()
        self._arrivals.put(None)

    @property
    def last_words(self) -> str:
        """Reason why the connection was lost."""
        return self._last_words

    def check(self) -> None:
        """Raise `ConnectionLostError` or `AccessError` if the connection is lost."""
        if self.lost.is_set():
            raise refusal(self._last_words, self._where)

    def await_reason(self, timeout_seconds: float) -> None:
        """Wait for the reason of a rollback, whose frame may follow that of the commit."""
        self._explained.wait(timeout_seconds)

    def next_message(self, timeout_seconds: float, *, receipt: str = "") -> Frame | None:
        """Wait for a message; None after the timeout, or when `receipt` came before one."""
        self.check()
        deadline = monotonic() + timeout_seconds
        while not self._messages and receipt not in self._receipts:
            if not self._take(deadline - monotonic()):
                return None
        self.check()
        return self._messages.popleft() if self._messages else None

    def await_receipt(self, receipt: str, timeout_seconds: float) -> None:
        """Wait for a receipt; raises as `check` if it does not arrive."""
        deadline = monotonic() + timeout_seconds
        while receipt not in self._receipts:
            if not self._take(deadline - monotonic()):
                silent = f"no receipt from the broker within {timeout_seconds:g} s"
                self.lose(f"{silent}; a queue may be full")
        self._receipts.discard(receipt)

    def _take(self, timeout_seconds: float) -> bool:
        """Sort the next arrival; False after the timeout. Raises as `check` behind the last one."""
        left = 0.0 if self.lost.is_set() else max(timeout_seconds, 0.0)
        try:
            arrived = self._arrivals.get(timeout=left)
        except queue.Empty:
            self.check()
            return False
        if arrived is None:
            self.check()
        elif isinstance(arrived, Frame):
            self._messages.append(arrived)
        else:
            self._receipts.add(arrived)
        return True
