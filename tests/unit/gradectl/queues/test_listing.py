"""What is shown of a queue is collected in bounded memory."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from gradectl.queues.listing import Listing
from grader.contract import names
from grader.ports.messages import QueuedMessage

NOW = 1_000_000


def message(number: int, sent_ms: int, **request: str) -> QueuedMessage:
    """Make a request; those without a language are not valid."""
    body = {
        "requestId": f"req_{number}",
        "userId": "u",
        "problemId": "sum",
        "sourceFile": "s3://b/submissions/req_1/solution.py",
        "timeLimit": 1000,
        "memoryLimit": 64,
        "timestamp": "2024-08-20T12:00:00Z",
        **request,
    }
    headers = {names.REASON_CODE_HEADER: "TIME"} if number % 2 else {}
    return QueuedMessage(f"ID:{number}", sent_ms, json.dumps(body).encode(), headers)


@given(st.lists(st.integers(0, NOW)), st.integers(1, 5))
def test_the_oldest_are_kept_in_their_order(times: list[int], most: int) -> None:
    """However they arrive."""
    listing = Listing(NOW, most=most)
    for number, sent_ms in enumerate(times):
        listing.add(message(number, sent_ms, language="c"))

    ages = [view.age_seconds for view in listing.views()]

    assert ages == [(NOW - sent_ms) / 1000 for sent_ms in sorted(times)[:most]]
    assert listing.matched == len(times)


def test_older_messages_than_wanted_are_not_counted() -> None:
    """By the time of the broker's clock."""
    listing = Listing(NOW, since_ms=500)
    for sent_ms in (499, 500, 501):
        listing.add(message(sent_ms, sent_ms, language="c"))

    assert listing.matched == 2
    assert [view.request_id for view in listing.views()] == ["req_500", "req_501"]


def test_messages_are_counted_by_each_group() -> None:
    """A message that does not say belongs to the group without a name."""
    messages = [message(number, 1, language="c" if number < 3 else "java") for number in range(4)]
    messages.append(QueuedMessage("ID:odd", 1, b"?"))

    def groups(by: str) -> dict[str, int]:
        listing = Listing(NOW, group_by=by)
        for each in messages:
            listing.add(each)
        return dict(listing.groups)

    assert groups("language") == {"c": 3, "java": 1, "": 1}
    assert groups("user") == {"u": 4, "": 1}
    assert groups("problem") == {"sum": 4, "": 1}
    assert groups("reason") == {"c, problem sum": 2, "TIME": 2, "unknown message format": 1}
