"""Batches of SQS: their bounds, and messages that SQS refuses."""

from __future__ import annotations

from typing import Any

import pytest

from gradectl.adapters.aws.queues import Queues
from gradectl.errors import GradectlError
from grader.adapters.sqs.client import ReceivedMessage
from grader.adapters.sqs.envelope import wrap
from grader.ports.messages import Outgoing

URL = "https://sqs.eu-west-1.amazonaws.com/123456789012/dev-grading-dlq"


class Client:
    """SQS that refuses some messages: by its own fault a number of times, or always by ours."""

    def __init__(self, refusals: dict[str, int] | None = None, *, ours: bool = False) -> None:
        self._left = dict(refusals or {})
        self._ours = ours
        self.calls: list[list[Any]] = []

    def send_message_batch(self, *, QueueUrl: str, Entries: list[Any]) -> Any:  # noqa: N803 - boto3's names
        """Answer the call."""
        assert QueueUrl == URL
        self.calls.append([each["Id"] for each in Entries])
        failed = []
        for each in Entries:
            if self._left.get(each["Id"], 0) > 0:
                self._left[each["Id"]] -= 1
                failed.append(
                    {"Id": each["Id"], "SenderFault": self._ours, "Code": "C", "Message": "why"}
                )
        return {"Failed": failed}

    delete_message_batch = send_message_batch
    change_message_visibility_batch = send_message_batch


def fitting(message: Outgoing) -> tuple[str, dict[str, dict[str, str]]]:
    """Body and attributes of a message."""
    return wrap(message.body, message.headers)


def test_a_batch_has_ten_messages_at_most_and_256_kib() -> None:
    """Bodies and attributes count; one larger message is a batch of its own."""
    client = Client()
    small, large = Outgoing("q", b"a"), Outgoing("q", b"b" * 200_000, {"x": "y"})

    Queues(client, None).send(URL, [*([small] * 12), large, large, small], fitting)

    assert [len(call) for call in client.calls] == [10, 3, 2]


def test_what_sqs_fails_to_do_is_tried_again() -> None:
    """Only those messages; three times."""
    client = Client({"3": 1, "7": 2})
    some = [Outgoing("q", b"a")] * 10

    Queues(client, None).send(URL, some, fitting)

    assert client.calls == [[str(number) for number in range(10)], ["3", "7"], ["7"]]


@pytest.mark.parametrize(("ours", "calls"), [(True, 1), (False, 3)])
def test_messages_that_are_not_sent_are_an_error(ours: bool, calls: int) -> None:
    """What is our fault is not tried again."""
    client = Client({"1": 9}, ours=ours)
    some = [Outgoing("q", b"a")] * 2

    with pytest.raises(GradectlError, match="1 of 2 messages were not sent: C: why"):
        Queues(client, None).send(URL, some, fitting)

    assert len(client.calls) == calls


def test_messages_that_are_not_deleted_or_held_any_more_are_named() -> None:
    """The caller decides what that means."""
    some = [ReceivedMessage("q", f"m{number}", f"h{number}", b"") for number in range(12)]

    not_deleted = Queues(Client({"11": 9}, ours=True), None).delete(URL, some)
    lost = Queues(Client({"0": 9}, ours=True), None).hide(URL, some, 30)

    assert [each.message_id for each in not_deleted] == ["m11"]
    assert [each.message_id for each in lost] == ["m0"]
