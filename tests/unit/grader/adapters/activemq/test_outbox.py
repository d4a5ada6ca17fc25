"""Outgoing frames."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from stomp.utils import convert_frame, pack, parse_frame

from grader.adapters.activemq.outbox import Transaction, send_frame, subscribe_frame


def test_every_message_is_persistent() -> None:
    """Other messages are lost when the broker restarts."""
    frame = send_frame("grading-results", b"{}", {"persistent": "false"})

    assert frame.headers["persistent"] == "true"
    assert frame.headers["destination"] == "/queue/grading-results"


def test_subscription_has_a_prefetch_of_one_and_individual_acknowledgement() -> None:
    """The broker's default prefetch is a thousand."""
    headers = subscribe_frame("q", "sub-1", {}).headers

    assert headers["activemq.prefetchSize"] == "1"
    assert headers["ack"] == "client-individual"


def test_text_is_text_for_java_clients_and_bytes_stay_bytes() -> None:
    """A JMS text message would alter a binary body."""
    kinds = [send_frame("q", body, {}).headers["amq-msg-type"] for body in (b"{}", b"\xff", b"\0")]

    assert kinds == ["text", "bytes", "bytes"]


def test_transaction_begins_before_all_frames_and_ends() -> None:
    """Sends and acknowledgement carry its name; the commit asks for a receipt."""
    transaction = Transaction("tx-1")
    transaction.send("results", b"{}")
    transaction.ack("ack-1")

    frames = [*transaction.content(), transaction.abort(), transaction.commit("receipt-1")]

    assert [frame.cmd for frame in frames] == ["BEGIN", "SEND", "ACK", "ABORT", "COMMIT"]
    assert {frame.headers["transaction"] for frame in frames} == {"tx-1"}
    assert frames[-1].headers["receipt"] == "receipt-1"


@given(st.text(), st.binary())
def test_any_header_value_and_body_survive_encoding(value: str, body: bytes) -> None:
    """No character of a value ends the line or the header."""
    value = value.encode(errors="replace").decode()

    wire = pack(convert_frame(send_frame("q", body, {"x-value": value})))

    frame = parse_frame(wire[:-1])
    assert frame.headers["x-value"] == value
    assert frame.body == body
