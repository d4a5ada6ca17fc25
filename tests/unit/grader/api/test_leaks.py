"""What must never leave: hidden test data, output of checkers, other users, names of the inside."""

from __future__ import annotations

import json
from typing import Any

import pytest
from memory_api import NOW, MemoryApi, failed, graded, running

from grader.contract.submissions import Progress

HIDDEN = "HIDDEN-9f3b"
#: Fields that a worker, a handler or an older version may have put into a result or a progress.
INSIDE = {
    "checkerOutput": HIDDEN,
    "expected": HIDDEN,
    "stdout": HIDDEN,
    "executionLog": HIDDEN,
    "resultFile": f"s3://{HIDDEN}/x",
    "rejudging": HIDDEN,
    "workerId": HIDDEN,
}
PATHS = (
    "/v1/submissions/req_done",
    "/v1/submissions/req_failed",
    "/v1/submissions/req_running",
    "/v1/submissions/req_queued",
    "/v1/submissions/req_done/events",
    "/v1/submissions",
    "/v1/batches/batch_1",
    "/v1/problems",
    "/v1/problems/sum/statement",
    "/v1/languages",
    "/v1/me",
    "/v1/queue/status",
    "/health",
    "/openapi.json",
)


def spiked(text: str) -> str:
    """Add the fields of the inside to each object of a JSON document."""

    def walk(value: Any) -> Any:
        if isinstance(value, list):
            return [walk(each) for each in value]
        if isinstance(value, dict):
            return {**{key: walk(each) for key, each in value.items()}, **INSIDE}
        return value

    return json.dumps(walk(json.loads(text)))


@pytest.fixture
def full(api: MemoryApi) -> MemoryApi:
    """Rows, metadata and files of the user ann with hidden texts in every place."""
    about: dict[str, Any] = {"user_id": "ann", "batch_id": "batch_1", "batch_size": 3}
    for row in (graded("req_done", **about), failed("req_failed", **about)):
        document = spiked(row.result_json or "")
        api.rows.put(
            running(row.request_id, status=row.status, result_json=document, **about),
            worker_id=HIDDEN,
        )
    progress = spiked(Progress(phase="running", cases_done=1).to_json().decode())
    api.rows.put(running("req_running", progress_json=progress, **about), worker_id=HIDDEN)
    metadata = {
        "requestId": "req_queued",
        "userId": "ann",
        "problemId": "sum",
        "language": "python",
        "timestamp": NOW.isoformat(),
        "sourceFile": f"s3://{HIDDEN}/x",
        "owner": HIDDEN,
        "bodySha256": HIDDEN,
        **INSIDE,
    }
    files = {
        "submissions/req_queued/metadata.json": json.dumps(metadata),
        "results/req_done/execution.log": HIDDEN,
        "results/req_done/result.json": HIDDEN,
        "problems/sum/problem.yaml": f"name: Sum\nvalidator_flags: {HIDDEN}",
        "problems/sum/description.md": "# Sum",
        "problems/sum/testcases/1.in": HIDDEN,
        "problems/sum/output_validators/check.py": HIDDEN,
    }
    for key, text in files.items():
        api.store.put(key, text.encode(), content_type="text/plain")
    return api


@pytest.mark.parametrize("path", PATHS)
def test_the_owner_gets_no_hidden_text(full: MemoryApi, path: str) -> None:
    """Only named fields leave, whatever else is stored."""
    answer = full.get(path, "ann")

    assert answer.status == 200
    assert HIDDEN not in answer.body.decode()


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("key", ["bob", "sender", None])
def test_others_do_not_learn_who_submitted(full: MemoryApi, path: str, key: str | None) -> None:
    """Nor that anything was."""
    answer = full.get(path, key)
    text = answer.body.decode()

    assert HIDDEN not in text
    assert '"ann"' not in text
    assert "batch_1" not in text.replace("'batch_1'", "")
    if "req_" in path:
        assert answer.status in (401, 403, 404)


def test_an_error_does_not_repeat_what_was_sent(full: MemoryApi) -> None:
    """A program or a key in a message would end in the logs of clients."""
    body = {"problemId": HIDDEN + "/", "language": HIDDEN[:20], "source": HIDDEN, "typo": HIDDEN}

    answer = full.post("/v1/submissions", body)

    assert answer.status == 422
    assert f'"{HIDDEN}"' not in answer.body.decode()
