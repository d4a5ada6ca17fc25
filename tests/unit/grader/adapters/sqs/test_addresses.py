"""The URLs of queues."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from grader.adapters.sqs.addresses import QueueUrls, sibling_url
from grader.errors import SettingsError

SEOUL = "ap-northeast-2"
URL = f"https://sqs.{SEOUL}.amazonaws.com/111122223333/dev-grading-requests"


@pytest.mark.parametrize(
    "url",
    [
        URL,
        f"https://{SEOUL}.queue.amazonaws.com/111122223333/dev-grading-requests",
        f"https://sqs.{SEOUL}.api.aws/111122223333/q",
        "http://127.0.0.1:4566/000000000000/q",
        "https://vpce-1-2.sqs.ap-northeast-2.vpce.amazonaws.com/111122223333/q",
    ],
)
def test_a_url_of_the_region_is_accepted(url: str) -> None:
    """Of AWS, of an endpoint in the VPC, or of an emulator."""
    urls = QueueUrls({"q": url}, SEOUL)

    assert (urls["q"], list(urls), len(urls)) == (url, ["q"], 1)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        (URL.replace(SEOUL, "us-east-1"), "the queue is in us-east-1, and the client in ap-north"),
        (URL + ".fifo", "FIFO"),
        ("grading-requests", "not the URL of a queue"),
        ("https://sqs.ap-northeast-2.amazonaws.com/", "not the URL of a queue"),
        ("arn:aws:sqs:ap-northeast-2:111122223333:q", "not the URL of a queue"),
        ("", "not the URL of a queue"),
    ],
)
def test_a_url_that_cannot_work_is_refused(url: str, reason: str) -> None:
    """SQS would only say that there is no such queue."""
    with pytest.raises(SettingsError, match=reason):
        QueueUrls({"q": url}, SEOUL)


@given(st.text())
@example("http://[")
def test_any_text_is_accepted_or_refused(url: str) -> None:
    """A wrong variable never ends in a traceback."""
    try:
        urls = QueueUrls({"q": url}, SEOUL)
    except SettingsError:
        return
    assert urls["q"].startswith(("http://", "https://"))


def test_siblings_of_a_queue() -> None:
    """The other queues of an environment differ in the last part of their names."""
    found = sibling_url(URL, "grading-requests", "grading-dlq")

    assert found == URL.replace("dev-grading-requests", "dev-grading-dlq")
    with pytest.raises(SettingsError, match="cannot be derived"):
        sibling_url(URL, "jobs", "grading-dlq")
