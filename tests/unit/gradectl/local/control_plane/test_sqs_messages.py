"""The messages of a queue of the emulated SQS, with a clock that the test sets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto.sqs.exceptions import OverLimit, ReceiptHandleIsInvalid

from gradectl.local.control_plane.sqs_errors import (
    MAX_VISIBILITY_SECONDS,
    GoneError,
    NotInFlightError,
    TooLongError,
)
from gradectl.local.control_plane.sqs_messages import MAX_IN_FLIGHT, Messages, Place

VISIBILITY = 10.0


@pytest.fixture(name="store")
def _store() -> Messages[str]:
    return Messages("queue")


def receive(store: Messages[str], now: float, **more: int) -> tuple[str, str]:
    """Receive one message; returns what was sent, and the handle."""
    ((entry, handle),) = store.receive(1, VISIBILITY, now, **more).received
    return entry.payload, handle


def places(store: Messages[str], now: float) -> tuple[int, int, int]:
    found = store.counts(now)
    return found[Place.VISIBLE], found[Place.IN_FLIGHT], found[Place.DELAYED]


def test_a_message_in_flight_is_received_again_when_its_visibility_ends(
    store: Messages[str],
) -> None:
    """Not before; each receive is counted."""
    store.add("a", 0)
    receive(store, 1)
    assert places(store, 10.9) == (0, 1, 0)
    assert store.receive(1, VISIBILITY, 10.9).received == []

    assert receive(store, 11)[0] == "a"
    ((entry, _),) = store.receive(1, VISIBILITY, 21).received
    assert entry.receives == 3


def test_a_delayed_message_is_counted_apart(store: Messages[str]) -> None:
    """Until its delay has ended."""
    store.add("a", 0, delay=5)
    assert places(store, 4.9) == (0, 0, 1)
    assert places(store, 5) == (1, 0, 0)


def test_an_extended_message_stays_with_its_consumer(store: Messages[str]) -> None:
    """The first end of its visibility no longer counts; 0 makes it visible at once."""
    store.add("a", 0)
    _, handle = receive(store, 0)
    store.change_visibility(handle, 20, now=9)
    assert places(store, 28.9) == (0, 1, 0)

    store.change_visibility(handle, 0, now=28.9)
    assert places(store, 28.9) == (1, 0, 0)


def test_a_handle_is_valid_until_the_message_is_received_again(store: Messages[str]) -> None:
    """Then a delete by the old one has no effect, and an extension fails."""
    store.add("a", 0)
    _, old = receive(store, 0)
    with pytest.raises(NotInFlightError):
        store.change_visibility(old, 5, now=VISIBILITY)
    _, new = receive(store, VISIBILITY)

    store.delete(old)
    assert places(store, VISIBILITY) == (0, 1, 0)
    with pytest.raises(GoneError):
        store.change_visibility(old, 5, now=VISIBILITY)

    store.delete(new)
    store.delete(new)  # a repeated delete succeeds
    assert places(store, VISIBILITY) == (0, 0, 0)
    with pytest.raises(GoneError):
        store.change_visibility(new, 5, now=VISIBILITY)


def test_a_message_whose_visibility_ended_can_be_deleted(store: Messages[str]) -> None:
    """As long as nobody received it since."""
    store.add("a", 0)
    _, handle = receive(store, 0)
    assert places(store, VISIBILITY) == (1, 0, 0)
    store.delete(handle)
    assert places(store, VISIBILITY) == (0, 0, 0)


@pytest.mark.parametrize("handle", ["", "no base64!", "YQ==", "cXVldWUgeCB5"])
def test_a_text_that_is_no_handle_is_refused(store: Messages[str], handle: str) -> None:
    """And so is the handle of another queue."""
    other: Messages[str] = Messages("other")
    for each in (store, other):
        each.add("a", 0)
    for wrong in (handle, receive(other, 0)[1]):
        with pytest.raises(ReceiptHandleIsInvalid):
            store.delete(wrong)


def test_visibility_ends_12_hours_after_the_receive(store: Messages[str]) -> None:
    """A worker cannot extend for ever."""
    store.add("a", 0)
    _, handle = receive(store, 0)
    store.change_visibility(handle, MAX_VISIBILITY_SECONDS - 5, now=5)
    with pytest.raises(TooLongError):
        store.change_visibility(handle, MAX_VISIBILITY_SECONDS, now=5)


def test_a_message_that_was_received_too_often_is_removed_at_the_next_receive(
    store: Messages[str],
) -> None:
    """And not before: until then it counts as visible. It keeps its age and its receives."""
    for text in ("a", "b"):
        store.add(text, 0)
    receive(store, 0)
    assert places(store, VISIBILITY) == (2, 0, 0)
    receive(store, VISIBILITY)  # b

    answer = store.receive(1, VISIBILITY, VISIBILITY, max_receives=1)

    assert answer.received == []
    (exhausted,) = answer.exhausted
    assert (exhausted.payload, exhausted.sent_at, exhausted.receives) == ("a", 0, 1)
    other: Messages[str] = Messages("other")
    other.adopt(exhausted)
    ((entry, _),) = other.receive(1, VISIBILITY, VISIBILITY).received
    assert (entry.payload, entry.receives, other.oldest_sent_at()) == ("a", 2, 0)


def test_a_queue_has_a_limit_for_messages_in_flight(store: Messages[str]) -> None:
    """The one of standard queues."""
    for number in range(MAX_IN_FLIGHT + 1):
        store.add(str(number), 0)
    store.receive(MAX_IN_FLIGHT, VISIBILITY, 0)
    with pytest.raises(OverLimit):
        store.receive(1, VISIBILITY, 0)


def test_messages_are_forgotten_after_their_retention(store: Messages[str]) -> None:
    """Wherever they are."""
    for text in ("a", "b", "c"):
        store.add(text, 0)
    store.add("d", 1, delay=9)
    receive(store, 0)

    store.forget_sent_before(0.5)

    assert ([each.payload for each in store], places(store, 2)) == (["d"], (0, 0, 1))
    assert store.oldest_sent_at() == 1
    store.purge()
    assert (store.oldest_sent_at(), places(store, 20)) == (None, (0, 0, 0))


def test_taken_messages_are_gone(store: Messages[str]) -> None:
    """Those in flight are not taken."""
    for text in ("a", "b", "c"):
        store.add(text, 0)
    receive(store, 0)
    assert [each.payload for each in store.take(5, 0)] == ["b", "c"]
    assert places(store, 0) == (0, 1, 0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["add", "delay", "receive", "delete", "extend", "release", "wait"]),
            st.integers(0, 5),
        ),
        max_size=40,
    )
)
def test_a_message_is_in_one_place_until_its_current_handle_deletes_it(
    calls: list[tuple[str, int]],
) -> None:
    """No order of calls loses one, or gives it to two consumers within its visibility."""
    store: Messages[int] = Messages("queue")
    now, sent, deleted = 0.0, 0, set[int]()
    held: dict[int, tuple[str, float]] = {}  # message -> its current handle, end of its visibility
    for call, number in calls:
        now += number if call == "wait" else 0
        handles = list(held.items())
        payload, (handle, until) = handles[number % len(handles)] if handles else (0, ("", 0.0))
        if call in {"add", "delay"}:
            store.add(sent, now, delay=number if call == "delay" else 0)
            sent += 1
        elif call == "receive":
            for entry, given_handle in store.receive(number + 1, VISIBILITY, now).received:
                assert entry.payload not in deleted
                assert held.get(entry.payload, ("", 0.0))[1] <= now
                held[entry.payload] = given_handle, now + VISIBILITY
        elif handle and call == "delete":
            store.delete(handle)
            deleted.add(payload)
            del held[payload]
        elif handle and until > now:
            seconds = number if call == "extend" else 0
            store.change_visibility(handle, seconds, now)
            held[payload] = handle, now + seconds
        assert sum(store.counts(now).values()) == sent - len(deleted)
    assert {each.payload for each in store} == set(range(sent)) - deleted
