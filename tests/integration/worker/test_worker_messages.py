"""Invalid messages: each is dead-lettered with its reason."""

from __future__ import annotations

import json
from typing import Any

import pytest

import grader.__main__

pytestmark = pytest.mark.engine


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"not JSON", "Invalid JSON"),
        (b"\xff\x00\xfe", "Invalid JSON"),
        (b"", "Invalid JSON"),
        (b"[]", "object"),
    ],
)
def test_message_without_any_id_is_dead_lettered_unchanged(
    world: Any, body: bytes, reason: str
) -> None:
    """There is no one to answer; the dead letter has the same bytes."""
    world.start()
    world.send(body)

    dead = world.dead_letter()

    assert dead.body == body
    assert dead.headers["x-gradectl-reason-code"] == "INVALID_REQUEST"
    assert reason in dead.headers["x-gradectl-reason"]
    assert world.receive("RESULT_QUEUE_NAME", 0.2) is None


@pytest.mark.parametrize(
    ("body", "headers", "answered"),
    [
        (b'{"requestId": "../../etc", "language": "python"}', {}, "../../etc"),
        (b"not JSON", {"correlation-id": "job 7"}, "job 7"),
    ],
)
def test_message_without_a_valid_id_gets_a_failed_result(
    world: Any, body: bytes, headers: dict[str, str], answered: str
) -> None:
    """Found by correlation id; nothing is stored under an id outside the pattern."""
    world.start()
    world.web.send(world.environment["QUEUE_NAME"], body, headers)

    result = world.result()

    assert (result.request_id, result.status) == (answered, "failed")
    assert result.error.code == "INVALID_REQUEST"
    assert world.dead_letter().body == body
    assert world.jobs.get(answered) is None
    assert not world.client("s3").list_objects_v2(Bucket=world.bucket).get("Contents")


def test_request_that_expired_in_the_broker_is_seen_in_the_dead_letter_queue(world: Any) -> None:
    """No worker gets it, so there is no result; one that expired after that is answered."""
    early, late = (json.dumps(world.request()).encode() for _ in range(2))
    requests = world.environment["QUEUE_NAME"]
    world.web.send(requests, early, {"expires": "1000"})
    world.web.send(requests, late, {"x-gradectl-expires": "1000"})
    world.start()

    result = world.result()

    assert result.request_id == json.loads(late)["requestId"]
    assert result.error.code == "EXPIRED"
    assert world.jobs.get(result.request_id).status == "failed"
    assert world.dead_letter().body == late
    # The broker has one dead-letter queue for expired messages.
    world.environment["DLQ_NAME"] = "grading-dlq"
    while (dead := world.dead_letter()).body != early:
        pass
    assert "Expired" in dead.headers["dlqDeliveryFailureCause"]


@pytest.fixture(name="grader")
def _grader(world: Any, launcher: Any) -> Any:
    """The real worker with its sandbox, which these requests never reach."""
    settings = {"LAUNCHER_PATH": str(launcher), "MAX_SOURCE_BYTES": "1000", "LANGUAGES": "python"}
    return world.start(grader.__main__.__file__, "worker", **settings)


@pytest.mark.usefixtures("grader")
@pytest.mark.parametrize(
    ("changes", "code", "words"),
    [
        ({"sourceFile": None}, "INVALID_REQUEST", "sourceFile"),
        ({"timeLimit": -1}, "INVALID_REQUEST", "timeLimit"),
        ({"memoryLimit": "much"}, "INVALID_REQUEST", "memoryLimit"),
        ({"timeLimit": 30_001}, "LIMIT_TOO_HIGH", "timeLimit"),
        ({"memoryLimit": 513}, "LIMIT_TOO_HIGH", "memoryLimit"),
        ({"language": "cobol"}, "UNKNOWN_LANGUAGE", "cobol"),
        ({"sourceFile": "s3://elsewhere/submissions/a/solution.py"}, "FOREIGN_OBJECT", "elsewhere"),
        ({"testCases": "s3://elsewhere/problems/a/"}, "FOREIGN_OBJECT", "elsewhere"),
        ({"sourceFile": "file:///etc/passwd"}, "INVALID_REQUEST", "s3://"),
        ({}, "SOURCE_NOT_FOUND", "submissions"),
    ],
)
def test_invalid_request_fails_and_is_dead_lettered(
    world: Any, changes: dict[str, Any], code: str, words: str
) -> None:
    """Message, row, result.json and dead letter have the same reason."""
    if "testCases" in changes:
        request_id = "req_with_source"
        key = f"submissions/{request_id}/solution.py"
        world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=b"print()")
        source = f"s3://{world.bucket}/{key}"
        changes = {"requestId": request_id, "sourceFile": source, **changes}
    request_id = world.submit(**changes)

    result, dead = world.result(), world.dead_letter()

    assert (result.request_id, result.status) == (request_id, "failed")
    assert result.error.code == code
    assert words in result.error.message
    assert dead.headers["x-gradectl-reason-code"] == code
    assert world.jobs.get(request_id).result.to_json() == result.to_json()
    assert json.loads(world.object(f"results/{request_id}/result.json"))["error"]["code"] == code
    assert world.nothing_more()


@pytest.mark.usefixtures("grader")
def test_path_traversal_is_rejected(world: Any) -> None:
    """An S3 key with ``..`` is never looked up."""
    request_id = world.submit(sourceFile=f"s3://{world.bucket}/submissions/../problems/x")

    assert world.result().error.code == "INVALID_REQUEST"
    assert json.loads(world.dead_letter().body)["requestId"] == request_id


@pytest.mark.usefixtures("grader")
def test_source_of_50_mb_is_rejected_unread(world: Any) -> None:
    """The size is checked before the content is read."""
    request = world.request()
    key = f"submissions/{request['requestId']}/solution.py"
    world.client("s3").put_object(Bucket=world.bucket, Key=key, Body=b"#" * 50_000_000)

    world.send(json.dumps(request).encode())

    assert world.result().error.code == "SOURCE_TOO_LARGE"


def test_invalid_message_does_not_undo_a_stored_result(world: Any) -> None:
    """For the id of a finished request the stored result is sent again."""
    world.start()
    request_id = world.submit()
    before = world.result()

    world.submit(requestId=request_id, timeLimit=-1)

    assert world.result() == before
    assert world.dead_letter().headers["x-gradectl-reason-code"] == "INVALID_REQUEST"
    assert world.jobs.get(request_id).status == "completed"


def test_unknown_fields_are_ignored(world: Any) -> None:
    """Producers may be newer than the worker."""
    world.start()
    world.submit(webhookUrl="https://example.org/", nested={"a": [1]})

    assert world.result().status == "completed"
