"""The life cycle of a local environment: created by the demo, used, and stopped."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
import tutorial
import yaml
from tutorial import Command, Part

from grader.contract.bucket import metadata_key
from grader.contract.names import REQUESTS_QUEUE, RESULTS_QUEUE

pytestmark = pytest.mark.stack

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SUM = EXAMPLES / "submissions" / "sum"
SAMPLES = yaml.safe_load((EXAMPLES / "submissions.yaml").read_text())["submissions"]
LONG = 900.0  # a limit for a hung test, not a measurement
OPERATING = [
    each for each in tutorial.commands(tutorial.PAGE.read_text()) if each.part is Part.OPERATE
]


@pytest.fixture(scope="module", name="demo")
def _demo(
    project: Any, ended: Callable[[subprocess.Popen[str]], str]
) -> subprocess.CompletedProcess[str]:
    """The demo, run once for this file; its environment is left running."""
    process = project.start_demo(KEEP="1")
    done = ended(process)
    return subprocess.CompletedProcess(process.args, process.returncode, done)


@pytest.fixture(scope="module", name="stack")
def _stack(
    project: Any,
    demo: subprocess.CompletedProcess[str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Any]:
    """The environment that the demo left running; a demo has no provider that commands share."""
    assert demo.returncode == 0, demo.stdout
    with project.serving(tmp_path_factory.mktemp("provider")) as served:
        yield served


def until(project: Any, request_id: str, condition: Callable[[dict[str, Any]], bool]) -> Any:
    """Poll a request until a condition holds, because the bucket sends no events."""
    pause = threading.Event()
    deadline = monotonic() + LONG
    while monotonic() < deadline:
        done = project.call("--output", "json", "result", request_id)
        if done.code == 0:
            found = done.document
            if condition(found):
                return found
        pause.wait(0.1)
    pytest.fail(f"{request_id} did not reach the expected state:\n{done.stdout}{done.stderr}")


def is_finished(found: dict[str, Any]) -> bool:
    return bool(found["state"] == "finished")


def is_running(found: dict[str, Any]) -> bool:
    return bool(found["row"] and found["row"]["status"] == "running")


def test_the_demo_grades_every_sample_as_expected(demo: subprocess.CompletedProcess[str]) -> None:
    """Exit code 0, a row for each sample, no deviation and no traceback."""
    lines = demo.stdout.splitlines()
    rows = {
        each["name"]: [line for line in lines if line.startswith(f"{each['name']} ")]
        for each in SAMPLES
    }

    assert demo.returncode == 0, demo.stdout
    assert len(SAMPLES) >= 10
    assert all(len(found) == 1 and found[0].endswith(" ok") for found in rows.values()), rows
    assert "every result is as expected" in demo.stdout
    assert "Traceback" not in demo.stdout


def test_the_printed_page_and_key_work(demo: subprocess.CompletedProcess[str], stack: Any) -> None:
    """The key of the demo is a user's: it sees its own submission and nobody else's."""
    url, key = stack.stack.api_url, re.search(r"^  (gk_\S+)$", demo.stdout, re.MULTILINE)
    assert f"The page of the HTTP API: {url}" in demo.stdout
    assert key

    def ask(path: str) -> Any:
        request = urllib.request.Request(
            f"{url}{path}", headers={"Authorization": f"Bearer {key[1]}"}
        )
        with urllib.request.urlopen(request, timeout=LONG) as answer:
            return json.load(answer)

    assert ask("/v1/me")["userId"] == "demo"
    (own,) = ask("/v1/submissions")["submissions"]
    assert (own["userId"], own["result"]["verdict"]) == ("demo", "AC")


def test_an_unknown_request_exits_with_1(stack: Any) -> None:
    """The environment of the running stack is the default; all three sources are reached."""
    done = stack.call("result", "req_none")

    assert done.code == 1
    assert "request 'req_none' not found" in done.stderr
    assert "of local" in done.stderr
    assert "not asked" not in done.stderr


def test_dead_letters_have_their_reasons(stack: Any) -> None:
    """All dead letters of the demo are listed."""
    reasons = {error for each in SAMPLES if (error := each["expect"].get("error"))}

    found = stack.ask("queue", "inspect", "grading-dlq")

    assert found["complete"]
    assert {each["reason_code"] for each in found["messages"]} == reasons


def test_the_status_shows_all_parts_of_the_running_system(stack: Any) -> None:
    """All workers run and consume; every part can be read."""
    found = stack.ask("status", "local")

    service = found["service"]
    assert service["running"] == service["desired"] == 2
    assert [each["rollout"] for each in service["deployments"]] == ["COMPLETED"]
    assert found["broker"]["state"] == "RUNNING"
    assert found["database"]["state"] == "available"
    queues = {each["queue"]: each for each in found["queues"]}
    assert queues[REQUESTS_QUEUE]["consumers"] == 2
    assert found["unknown"] == {}


def test_the_log_of_a_request_tells_its_life(stack: Any) -> None:
    """From the log files of the workers of the local stack."""
    arguments = ("submit", "-p", "sum", "-l", "python", "--wait", str(SUM / "accepted.py"))
    request_id = stack.ask(*arguments)["request_id"]

    texts = [each["text"] for each in stack.ask("logs", "local", "--request", request_id)["lines"]]

    assert f"Processing request {request_id}" in texts[0]
    assert any("Grading completed - Result: AC, Score: 100" in text for text in texts)


def test_the_doctor_finds_what_the_demo_left_in_the_queues(stack: Any) -> None:
    """Dead letters; results without a consumer are a note where there is an API."""
    checks = {each["name"]: each for each in stack.ask("doctor", "local", code=4)["checks"]}

    failed = {name for name, each in checks.items() if each["outcome"] == "failed"}
    assert failed == {"dead-letters"}, checks
    assert "RESULT_EXPIRY_SECONDS" in checks["result-queue"]["next"], checks["result-queue"]
    assert {each["outcome"] for each in checks.values()} == {"ok", "failed"}


def test_the_only_revision_cannot_be_rolled_back(stack: Any) -> None:
    """It is running, and no other has completed a deployment."""
    (only,) = stack.ask("revisions", "local")["revisions"]

    assert only["state"] == "running"
    assert stack.call("rollback", "local", "--yes").code == 5


def test_the_tutorial_operates_an_environment(stack: Any) -> None:
    """Its commands from the deployment on, which here is a second one and changes nothing."""
    said = {command.line: _succeeds(stack, command) for command in OPERATING}

    assert "nothing to change" in said["gradectl deploy exams"]
    submitted = [text for line, text in said.items() if line.startswith("gradectl submit")]
    assert [re.findall(r": (\w\w), score (\d+)", text) for text in submitted] == [
        [("AC", "100")],
        [("CE", "0")],
    ]


def _succeeds(stack: Any, command: Command) -> str:
    """Run a command of the tutorial in the running environment; returns its output."""
    done = stack.call(*command.of("local"), "--yes")
    assert done.code == 0, f"{command.line}\n{done.stdout}{done.stderr}"
    return str(done.stdout + done.stderr)


def test_a_request_survives_the_worker_that_grades_it(stack: Any) -> None:
    """After SIGKILL another worker grades it: one result, and two attempts in the row."""
    limits = ("--time-limit", "4000", "--memory-limit", "128")
    sent = stack.ask("submit", "-p", "sum", "-l", "python", *limits, str(SUM / "sleeps.py"))
    first = until(stack, sent["request_id"], is_running)["row"]["worker_id"]

    os.kill(int(first.rpartition("-")[2]), signal.SIGKILL)

    found = until(stack, sent["request_id"], is_finished)
    assert found["result"]["result"]["verdict"] == "TLE"
    assert found["row"]["attempts"] == 2
    assert found["row"]["worker_id"] != first
    assert [each["queue"] for each in found["messages"]] == [RESULTS_QUEUE]


def test_the_same_request_twice_is_graded_once_and_answered_twice(stack: Any) -> None:
    """A producer may repeat a request; it gets the stored result without another run."""
    arguments = ("submit", "-p", "sum", "-l", "python", "--wait", str(SUM / "accepted.py"))
    request_id = stack.ask(*arguments)["request_id"]
    bucket = stack.client("s3")
    request = bucket.get_object(Bucket="local-grading-files", Key=metadata_key(request_id))

    stack.send(REQUESTS_QUEUE, request["Body"].read())

    found = until(stack, request_id, lambda found: len(found["messages"]) == 2)
    assert {each["queue"] for each in found["messages"]} == {RESULTS_QUEUE}
    assert found["row"]["attempts"] == 1


def test_more_tasks_are_more_consumers_and_no_change_in_a_plan(stack: Any) -> None:
    """Autoscaling owns the desired count, so a plan ignores it."""
    (cluster,) = stack.client("ecs").list_clusters()["clusterArns"]
    service = "local-grading-service"

    stack.client("ecs").update_service(cluster=cluster, service=service, desiredCount=3)

    assert stack.call("local", "status", "--wait", f"{LONG:.0f}").code == 0
    queues = {each["queue"]: each for each in stack.ask("queue", "list")["queues"]}
    assert queues[REQUESTS_QUEUE]["consumers"] == 3
    assert stack.call("plan", "local", "--detailed-exitcode").code == 0


def test_destroy_requires_a_confirmation_and_down_leaves_nothing(stack: Any) -> None:
    """A complete destroy takes minutes and is tested in tests/terraform and tests/integration."""
    ports = stack.ports()
    assert stack.call("destroy", "local").code == 5

    assert stack.ask("local", "down")["stopped"]
    stack.assert_nothing_is_left(ports)
