"""A worker with an installed plugin, the example handler."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.engine

EXAMPLE = Path(__file__).parents[3] / "examples" / "word-count"
WORKER = (sys.executable, "-m", "grader", "worker")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory where pip installed the example from its pyproject.toml."""
    source = tmp_path_factory.mktemp("example") / "source"
    shutil.copytree(EXAMPLE, source)
    target = tmp_path_factory.mktemp("installed")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet"]
    options += ["--disable-pip-version-check", "--target", str(target)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(source)], check=True)
    return target


@pytest.fixture
def counter(world: Any, installed: Path) -> Any:
    """A worker that counts words."""
    return world.start(*WORKER, JOB_HANDLER="word-count", PYTHONPATH=str(installed))


def put(world: Any, document: bytes) -> None:
    """Upload the document that `ask` refers to."""
    world.client("s3").put_object(Bucket=world.bucket, Key="documents/a.txt", Body=document)


def ask(world: Any, request_id: str) -> None:
    """Send a request with only the fields of the example."""
    source = f"s3://{world.bucket}/documents/a.txt"
    world.send(json.dumps({"requestId": request_id, "sourceFile": source}).encode())


def test_installed_handler_does_the_work(world: Any, counter: Any) -> None:
    """Message, object and row have the same result; no sandbox is needed."""
    put(world, b"to be or\nnot\n")
    ask(world, "count_1")

    frame = world.receive("RESULT_QUEUE_NAME")

    result = json.loads(frame.body)
    assert frame.headers["correlation-id"] == "count_1"
    assert (result["status"], result["result"]) == (
        "completed",
        {"lines": 2, "words": 4, "bytes": 13},
    )
    assert world.object("results/count_1/result.json") == frame.body
    assert world.jobs.get("count_1").result.to_json() == frame.body
    counter.wait_for("INFO: Result sent to queue")
    assert counter.health()[0] == 200


def test_same_count_twice_is_done_once(world: Any, counter: Any) -> None:
    """As for grading."""
    put(world, b"one")
    for _ in range(2):
        ask(world, "count_1")

    first, again = (world.receive("RESULT_QUEUE_NAME").body for _ in range(2))

    assert first == again
    assert world.jobs.get("count_1").attempts == 1
    assert not [line for line in counter.lines if "WARNING: Attempt failed" in line]


@pytest.mark.usefixtures("counter")
def test_what_a_handler_refuses_is_dead_lettered_with_its_reason(world: Any) -> None:
    """Result, row, object and dead letter have the same reason."""
    ask(world, "count_1")

    result, dead = world.result(), world.dead_letter()

    assert (result.status, result.error.code) == ("failed", "SOURCE_NOT_FOUND")
    assert dead.headers["x-gradectl-reason-code"] == "SOURCE_NOT_FOUND"
    assert world.jobs.get("count_1").status == "failed"
    assert b"SOURCE_NOT_FOUND" in world.object("results/count_1/result.json")


@pytest.mark.usefixtures("counter")
def test_request_of_other_work_is_refused_by_name_of_the_field(world: Any) -> None:
    """The handler's model rejects a message of another handler."""
    world.submit(sourceFile=None)

    assert world.result().error.message == "sourceFile: Field required"
    assert world.dead_letter()


def test_unknown_handler_ends_the_worker_with_78(world: Any, installed: Path) -> None:
    """At once; the error lists the installed handlers."""
    worker = world.start(*WORKER, JOB_HANDLER="wordcount", PYTHONPATH=str(installed))

    assert worker.ended() == 78
    assert "handler 'wordcount' not found" in worker.lines[-1]
    assert "installed: function, grading, word-count" in worker.lines[-1]


def test_handler_that_cannot_be_imported_ends_the_worker_with_78(
    world: Any, installed: Path, tmp_path: Path
) -> None:
    """The error names the package and the reason."""
    broken = tmp_path / "installed"
    shutil.copytree(installed, broken)
    (broken / "grader_word_count.py").write_text("import numpie")
    worker = world.start(*WORKER, JOB_HANDLER="word-count", PYTHONPATH=str(broken))

    assert worker.ended() == 78
    assert "'word-count' (grader_word_count:word_count of grader-word-count)" in worker.lines[-1]
    assert "No module named 'numpie'" in worker.lines[-1]
