"""Frames from the reading thread."""

from __future__ import annotations

import pytest
from stomp.utils import Frame as WireFrame

from grader.adapters.activemq.frames import Inbox
from grader.errors import AccessError, ConnectionLostError


def test_message_is_received() -> None:
    """With the ids for its acknowledgement."""
    inbox = Inbox("broker")
    headers = {"message-id": "ID:1", "subscription": "s", "ack": "a"}
    inbox.on_message(WireFrame("MESSAGE", headers, b"body"))

    frame = inbox.next_message(0)

    assert (frame.message_id, frame.subscription, frame.ack_id) == ("ID:1", "s", "a")
    assert frame.body == b"body"


def test_no_message_in_time_is_none() -> None:
    """A timeout is not an error."""
    assert Inbox("broker").next_message(0) is None


def test_other_receipts_are_skipped() -> None:
    """A late receipt belongs to an earlier call."""
    inbox = Inbox("broker")
    inbox.on_receipt(WireFrame("RECEIPT", {"receipt-id": "old"}))
    inbox.on_receipt(WireFrame("RECEIPT", {"receipt-id": "new"}))

    inbox.await_receipt("new", 1)


def test_waiting_for_a_message_ends_with_a_receipt_that_comes_first() -> None:
    """The receipt stays to be awaited, and messages that came meanwhile stay too."""
    inbox = Inbox("broker")
    inbox.on_receipt(WireFrame("RECEIPT", {"receipt-id": "r"}))
    inbox.on_message(WireFrame("MESSAGE", {"message-id": "1"}, b""))

    assert inbox.next_message(3600, receipt="r") is None
    inbox.await_receipt("r", 0)
    assert inbox.next_message(0).message_id == "1"


def test_message_that_comes_before_a_receipt_is_not_lost() -> None:
    """Neither is a receipt that came before the connection was lost."""
    inbox = Inbox("broker")
    inbox.on_message(WireFrame("MESSAGE", {"message-id": "1"}, b""))
    inbox.on_receipt(WireFrame("RECEIPT", {"receipt-id": "r"}))

    assert inbox.next_message(3600, receipt="r").message_id == "1"
    inbox.on_message(WireFrame("MESSAGE", {"message-id": "2"}, b""))
    inbox.await_receipt("r", 0)
    assert inbox.next_message(3600).message_id == "2"

    inbox.on_receipt(WireFrame("RECEIPT", {"receipt-id": "s"}))
    inbox.on_disconnected()
    inbox.await_receipt("s", 0)
    with pytest.raises(ConnectionLostError):
        inbox.next_message(3600)


def test_missing_receipt_loses_the_connection() -> None:
    """An unconfirmed frame may not have been processed."""
    inbox = Inbox("broker")

    with pytest.raises(ConnectionLostError, match="no receipt"):
        inbox.await_receipt("r", 0)
    with pytest.raises(ConnectionLostError, match="no receipt"):
        inbox.next_message(0)


def test_first_reason_is_kept() -> None:
    """The broker's error explains the end of the stream that follows it."""
    inbox = Inbox("broker")
    inbox.on_error(WireFrame("ERROR", {"message": "queue is full"}, b"stack trace"))
    inbox.on_disconnected()

    with pytest.raises(ConnectionLostError, match="broker: queue is full"):
        inbox.check()


ROLLED_BACK = "COMMIT FAILED: Transaction marked rollback only xaErrorCode:100"
FORBIDDEN = "User worker is not authorized to write to: queue://results"


@pytest.mark.parametrize("order", [(ROLLED_BACK, FORBIDDEN), (FORBIDDEN, ROLLED_BACK)])
def test_the_reason_of_a_refused_commit_is_used_in_either_order(order: tuple[str, str]) -> None:
    """The broker sends the two frames from different threads."""
    inbox = Inbox("broker")
    for words in order:
        inbox.on_error(WireFrame("ERROR", {"message": words}))
    inbox.await_reason(0)

    with pytest.raises(AccessError, match="may not write to queue://results"):
        inbox.check()


def test_a_refused_commit_without_a_reason_is_reported() -> None:
    """The wait for a reason is limited."""
    inbox = Inbox("broker")
    inbox.on_error(WireFrame("ERROR", {"message": ROLLED_BACK}))
    inbox.await_reason(0)

    with pytest.raises(ConnectionLostError, match="rollback only"):
        inbox.check()
