"""What the reading thread hands over."""

from __future__ import annotations

import pytest
from stomp.utils import Frame as WireFrame

from grader.adapters.activemq.frames import Inbox
from grader.errors import AccessError, ConnectionLostError


def test_message_is_handed_over() -> None:
    """With the ids that an acknowledgement needs."""
    inbox = Inbox("broker")
    headers = {"message-id": "ID:1", "subscription": "s", "ack": "a"}
    inbox.on_message(WireFrame("MESSAGE", headers, b"body"))

    frame = inbox.next_message(0)

    assert (frame.message_id, frame.subscription, frame.ack_id) == ("ID:1", "s", "a")
    assert frame.body == b"body"


def test_no_message_in_time_is_none() -> None:
    """Silence is no error."""
    assert Inbox("broker").next_message(0) is None


def test_other_receipts_are_passed_over() -> None:
    """A receipt that came late belongs to a call that has given up."""
    inbox = Inbox("broker")
    inbox.on_receipt(WireFrame("RECEIPT", {"receipt-id": "old"}))
    inbox.on_receipt(WireFrame("RECEIPT", {"receipt-id": "new"}))

    inbox.await_receipt("new", 1)


def test_missing_receipt_loses_the_connection() -> None:
    """What was not confirmed may not have happened."""
    inbox = Inbox("broker")

    with pytest.raises(ConnectionLostError, match="no receipt"):
        inbox.await_receipt("r", 0)
    with pytest.raises(ConnectionLostError, match="no receipt"):
        inbox.next_message(0)


def test_first_reason_is_the_one_that_is_told() -> None:
    """The broker's complaint explains the end of the stream that follows it."""
    inbox = Inbox("broker")
    inbox.on_error(WireFrame("ERROR", {"message": "queue is full"}, b"stack trace"))
    inbox.on_disconnected()

    with pytest.raises(ConnectionLostError, match="broker: queue is full"):
        inbox.check()


ROLLED_BACK = "COMMIT FAILED: Transaction marked rollback only xaErrorCode:100"
FORBIDDEN = "User worker is not authorized to write to: queue://results"


@pytest.mark.parametrize("order", [(ROLLED_BACK, FORBIDDEN), (FORBIDDEN, ROLLED_BACK)])
def test_the_reason_of_a_refused_commit_counts_whenever_it_comes(order: tuple[str, str]) -> None:
    """The broker tells it on another thread than the refusal itself."""
    inbox = Inbox("broker")
    for words in order:
        inbox.on_error(WireFrame("ERROR", {"message": words}))
    inbox.await_reason(0)

    with pytest.raises(AccessError, match="may not write to queue://results"):
        inbox.check()


def test_a_refused_commit_without_a_reason_is_told_as_it_is() -> None:
    """It is not waited for for ever."""
    inbox = Inbox("broker")
    inbox.on_error(WireFrame("ERROR", {"message": ROLLED_BACK}))
    inbox.await_reason(0)

    with pytest.raises(ConnectionLostError, match="rollback only"):
        inbox.check()
