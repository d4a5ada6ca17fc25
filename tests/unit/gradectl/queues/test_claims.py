"""Messages in flight are marked by the claims of workers, as far as these can be trusted."""

from __future__ import annotations

from gradectl.queues.claims import Claims
from grader.ports.messages import QueuedMessage

MESSAGES = [
    QueuedMessage("ID:1", 0, b""),
    QueuedMessage("ID:9", 0, b"", {"x-gradectl-original-id": "ID:2"}),
    QueuedMessage("ID:3", 0, b""),
]


def read(in_flight: int, held: dict[str, str] | None) -> Claims:
    """Read all messages."""
    claims = Claims(in_flight, held)
    for message in MESSAGES:
        claims.note(message)
    return claims


def test_a_claim_is_found_by_the_first_id_of_its_message() -> None:
    """A delayed copy keeps it."""
    claims = read(2, {"ID:1": "one", "ID:2": "two", "ID:77": "gone meanwhile"})

    assert claims.workers == {"ID:1": "one", "ID:9": "two"}
    assert claims.summary == "2 of them in flight, 2 marked by their claims"


def test_more_claims_than_messages_in_flight_mark_none() -> None:
    """The claim of a dead worker still holds, and looks the same."""
    claims = read(1, {"ID:1": "dead", "ID:2": "living"})

    assert claims.workers == {}
    assert claims.summary == "1 of them in flight, 0 marked by their claims"


def test_without_the_database_they_are_counted_only() -> None:
    """As the broker does."""
    claims = read(1, None)

    assert claims.workers == {}
    assert claims.summary == "1 of them in flight"
