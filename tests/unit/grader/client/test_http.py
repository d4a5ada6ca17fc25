"""The client of the HTTP API: what it sends, repeats and raises."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from http_answers import HttpAnswers, Reply, answering

from grader.client import HttpGradingClient, Limits, Program, Source
from grader.client.http import LARGEST_IN_BODY
from grader.contract.functions import FunctionAnswer
from grader.contract.verdicts import ErrorCode, Verdict
from grader.errors import (
    AccessError,
    ConnectionLostError,
    GraderError,
    NoResultError,
    RequestError,
    SettingsError,
    TemporaryError,
)

ACCEPTED = Reply(202, {"requestId": "req_1", "status": "queued", "url": "/", "eventsUrl": "/"})
GRADE = {"verdict": "AC", "score": 100, "executionTime": 1, "memoryUsage": 1}
SUBMISSION: dict[str, Any] = {
    "requestId": "req_1",
    "status": "queued",
    "userId": "ann",
    "problemId": "sum",
    "language": "python",
}
DONE = {**SUBMISSION, "status": "completed", "result": GRADE, "finishedAt": "2024-08-20T12:00:00Z"}
RUN = {
    "requestId": "req_1",
    "functionId": "f",
    "status": "FAILURE",
    "exitCode": 1,
    "stdout": "",
    "stderr": "x",
    "durationMillis": 1,
    "peakMemoryBytes": 1,
    "peakMemoryMB": 1,
}


def problem(status: int, *, after: str = "", **fields: object) -> Reply:
    """An error of the API."""
    body = {"type": "/problems/x", "title": "t", "status": status, "detail": "why", **fields}
    return Reply(status, body, {"retry-after": after} if after else {})


def stream(*events: tuple[int, object]) -> Reply:
    """A stream that ends after these events."""
    text = "".join(
        f": c\n\nevent: submission\r\nid: {number}\r\ndata: {json.dumps(document)}\r\n\r\n"
        for number, document in events
    )
    return Reply(200, text.encode(), {"content-type": "text/event-stream"})


@pytest.fixture
def server() -> Iterator[HttpAnswers]:
    """A server without answers yet."""
    with answering() as answers:
        yield answers


@pytest.fixture
def pauses() -> list[float]:
    """The pauses that the client made."""
    return []


@pytest.fixture
def client(server: HttpAnswers, pauses: list[float]) -> Iterator[HttpGradingClient]:
    """A client that does not really pause."""
    made = HttpGradingClient(server.url + "/", "gk_key", pause=pauses.append)
    yield made
    made.close()


@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.submit(problem_id="sum", language="python", source="x"),
        lambda client: client.submission("req_1"),
        lambda client: client.batch("batch_1"),
    ],
    ids=["submit", "submission", "batch"],
)
def test_a_page_of_a_proxy_is_no_answer(
    client: HttpGradingClient, server: HttpAnswers, call: Callable[[HttpGradingClient], object]
) -> None:
    """Such as the page where users log in."""
    server.replies = [Reply(200, b"<html>Log in</html>", {"content-type": "text/html"})]

    with pytest.raises(GraderError, match=r"not one of the API.*proxy"):
        call(client)


def test_a_submission_has_key_source_and_idempotency_key(
    client: HttpGradingClient, server: HttpAnswers
) -> None:
    """Bytes of any encoding arrive as they are."""
    server.replies = [ACCEPTED, ACCEPTED]

    client.submit("sum", "python", b"\xff", user_id="ann", limits=Limits(1, 2), priority=True)
    client.submit("sum", "python", Source("a.py", b"x"), request_id="mine")

    first, second = server.calls
    assert (first.method, first.path) == ("POST", "/v1/submissions")
    assert first.headers["authorization"] == "Bearer gk_key"
    assert first.json == {
        "problemId": "sum",
        "language": "python",
        "timeLimit": 1,
        "memoryLimit": 2,
        "sourceBase64": base64.b64encode(b"\xff").decode(),
        "userId": "ann",
        "priority": True,
    }
    assert len(first.headers["idempotency-key"]) == 32
    assert second.headers["idempotency-key"] == "mine"
    assert second.json["fileName"] == "a.py"


def test_an_upload_whose_answer_was_lost_is_complete(
    client: HttpGradingClient, server: HttpAnswers
) -> None:
    """The bucket refuses to store it again."""
    upload = {"uploadUrl": f"{server.url}/upload", "uploadHeaders": {"If-None-Match": "*"}}
    server.replies = [Reply(202, {"requestId": "req_1", **upload}), Reply(0), Reply(412), ACCEPTED]

    assert client.submit("sum", "python", b"x" * (LARGEST_IN_BODY + 1)) == "req_1"

    paths = [call.path for call in server.calls]
    assert paths == ["/v1/submissions", "/upload", "/upload", "/v1/submissions/req_1/uploaded"]


def test_a_refused_call_is_repeated_with_the_same_key(
    client: HttpGradingClient, server: HttpAnswers, pauses: list[float]
) -> None:
    """After the time that the API names; after a lost connection soon."""
    server.replies = [problem(503, after="7"), problem(429, after="2"), Reply(0), ACCEPTED]

    assert client.submit("sum", "python", "x") == "req_1"

    assert pauses[:2] == [7, 2]
    assert 0 < pauses[2] <= 1
    assert len({call.headers["idempotency-key"] for call in server.calls}) == 1
    assert len(server.calls) == 4


@pytest.mark.parametrize(
    ("reply", "error", "words"),
    [
        (problem(401, nextStep="get a key"), AccessError, "get a key"),
        (problem(403), AccessError, "check the API key"),
        (problem(503, after="9"), TemporaryError, "why"),
        (Reply(502, b"<html>"), TemporaryError, "HTTP 502 <html>"),
        (Reply(0), ConnectionLostError, "the call failed"),
        (Reply(302, b"", {"location": "http://elsewhere.test/"}), GraderError, "check the URL"),
        (problem(413), RequestError, "why"),
        (
            problem(422, errors=[{"field": "submissions.3.problemId", "message": "is not one"}]),
            RequestError,
            "submissions.3.problem_id: is not one",
        ),
    ],
)
def test_problem_details_become_errors(
    server: HttpAnswers, reply: Reply, error: type[GraderError], words: str
) -> None:
    """With detail and next step; a redirect is not followed, so the key goes to one host only."""
    server.replies = [reply]
    client = HttpGradingClient(server.url, "gk_key", retry_seconds=0)

    with pytest.raises(error) as caught:
        client.submit("sum", "python", "x")

    assert words in str(caught.value)
    assert "gk_key" not in str(caught.value)
    client.close()


def test_a_large_program_is_uploaded(client: HttpGradingClient, server: HttpAnswers) -> None:
    """To the upload URL, with its headers and without the key."""
    target = {"uploadUrl": f"{server.url}/put?signature=s", "uploadHeaders": {"x-a": "1"}}
    waiting = {"requestId": "req_1", "status": "awaiting_upload", **target}
    server.replies = [Reply(202, waiting), problem(503), Reply(200, b""), ACCEPTED]
    source = b"#" * (LARGEST_IN_BODY + 1)

    assert client.submit("sum", "python", source) == "req_1"

    first, _, put, sent = server.calls
    assert "sourceBase64" not in first.json
    assert (put.method, put.path, put.body == source) == ("PUT", "/put?signature=s", True)
    assert put.headers["x-a"] == "1"
    assert "authorization" not in put.headers
    assert sent.path == "/v1/submissions/req_1/uploaded"


def test_a_wait_resumes_a_lost_stream_after_its_last_event(
    client: HttpGradingClient, server: HttpAnswers, pauses: list[float]
) -> None:
    """What was seen is not asked for again, and a busy API is asked later."""
    server.replies = [
        stream((1, SUBMISSION), (2, {**SUBMISSION, "status": "running"})),
        problem(503, after="3"),
        Reply(0),
        stream((9, DONE)),
    ]

    result = client.wait("req_1", 60)

    assert result.result is not None
    assert result.result.verdict is Verdict.ACCEPTED
    assert [call.headers.get("last-event-id") for call in server.calls] == [None, "2", "2", "2"]
    assert 3 in pauses


def test_a_wait_ends_at_its_time_with_the_last_error(
    client: HttpGradingClient, server: HttpAnswers
) -> None:
    """And at once for a submission that does not exist."""
    server.replies = [problem(503, after="30"), problem(404)]

    with pytest.raises(NoResultError, match="within 5 s; the last error was: why"):
        client.wait("req_1", 5)
    with pytest.raises(NoResultError, match="why"):
        client.wait("req_2", 60)


def test_a_function_is_waited_for_beyond_the_call(
    client: HttpGradingClient, server: HttpAnswers
) -> None:
    """Its failure is an answer; a run without an answer is an error."""
    broken = {**SUBMISSION, "status": "failed", "error": {"code": "EXPIRED", "message": "old"}}
    server.replies = [Reply(200, RUN), ACCEPTED, stream((9, RUN)), ACCEPTED, stream((9, broken))]

    assert client.run("f", {"a": 1}, timeout_seconds=90).exit_code == 1
    assert isinstance(client.run("f", timeout_seconds=3), FunctionAnswer)
    with pytest.raises(RequestError, match="old") as caught:
        client.run("f")

    assert caught.value.code == ErrorCode.EXPIRED
    assert [call.json.get("waitSeconds") for call in server.calls if call.body] == [25, 3, 25]


def test_a_batch_has_one_key_and_its_ids_in_order(
    client: HttpGradingClient, server: HttpAnswers
) -> None:
    """Its state is one document."""
    members = [{"requestId": "req_1"}, {"requestId": "req_2"}]
    state = {"batchId": "b", "size": 2, "finished": 1, "submissions": [DONE]}
    server.replies = [Reply(202, {"batchId": "b", "submissions": members}), Reply(200, state)]

    sent = client.submit_batch([Program("sum", "python", "x")] * 2, batch_key="k")

    assert (sent.batch_id, sent.request_ids) == ("b", ("req_1", "req_2"))
    assert server.calls[0].headers["idempotency-key"] == "k"
    assert client.batch("b").finished == 1
    with pytest.raises(RequestError, match=r"submissions\.1\.source"):
        client.submit_batch([Program("sum", "python", "x"), Program("sum", "python", "")])


@pytest.mark.parametrize(
    ("url", "key"),
    [("grading.test", "k"), ("ftp://x", "k"), ("https://x", ""), ("https://x", "a\nb")],
)
def test_an_invalid_url_or_key_is_refused_at_once(url: str, key: str) -> None:
    """Before anything is sent."""
    with pytest.raises(SettingsError):
        HttpGradingClient(url, key)
