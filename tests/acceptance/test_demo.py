"""One life of the local environment: the demo makes it, people use it, and it goes."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from grader.contract.bucket import metadata_key
from grader.contract.names import REQUESTS_QUEUE, RESULTS_QUEUE

pytestmark = pytest.mark.stack

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SUM = EXAMPLES / "submissions" / "sum"
SAMPLES = yaml.safe_load((EXAMPLES / "submissions.yaml").read_text())["submissions"]
POLLS = 600


@pytest.fixture(scope="module", name="demo")
def _demo(
    project: Any, ended: Callable[[subprocess.Popen[str]], str]
) -> subprocess.CompletedProcess[str]:
    """The demo, done once for all tests of this file; what it applied is left running."""
    process = project.start_demo(KEEP="1")
    said = ended(process)
    return subprocess.CompletedProcess(process.args, process.returncode, said)


@pytest.fixture(name="stack")
def _stack(project: Any, demo: subprocess.CompletedProcess[str]) -> Any:
    """What the demo left running."""
    assert demo.returncode == 0, demo.stdout
    return project


def until(project: Any, request_id: str, condition: Callable[[dict[str, Any]], bool]) -> Any:
    """Ask for a request until the answer is as wanted; the bucket sends no events."""
    pause = threading.Event()
    for _ in range(POLLS):
        said = project.run("--output", "json", "result", request_id)
        if said.returncode == 0:
            found = yaml.safe_load(said.stdout)
            if condition(found):
                return found
        pause.wait(0.1)
    pytest.fail(f"{request_id} never came to what it must:\n{said.stdout}{said.stderr}")


def is_finished(found: dict[str, Any]) -> bool:
    return bool(found["state"] == "finished")


def is_running(found: dict[str, Any]) -> bool:
    return bool(found["row"] and found["row"]["status"] == "running")


def test_the_demo_grades_every_sample_as_it_must(demo: subprocess.CompletedProcess[str]) -> None:
    """Exit code 0, a row for each sample, no deviation, and no traceback of anything."""
    lines = demo.stdout.splitlines()
    rows = {
        each["name"]: [line for line in lines if line.startswith(f"{each['name']} ")]
        for each in SAMPLES
    }

    assert demo.returncode == 0, demo.stdout
    assert len(SAMPLES) >= 10
    assert all(len(found) == 1 and found[0].endswith(" ok") for found in rows.values()), rows
    assert "Everything was as it should be" in demo.stdout
    assert "Traceback" not in demo.stdout


def test_a_request_that_nobody_knows_is_1_without_naming_the_environment(stack: Any) -> None:
    """The running stack's environment is meant, and all three places are asked."""
    said = stack.run("result", "req_none")

    assert said.returncode == 1
    assert "request 'req_none' not found" in said.stderr
    assert "of local" in said.stderr
    assert "not asked" not in said.stderr


def test_dead_letters_are_shown_without_naming_the_environment(stack: Any) -> None:
    """All of the demo's dead letters, each with its reason."""
    wanted = {error for each in SAMPLES if (error := each["expect"].get("error"))}

    found = stack.ask("queue", "inspect", "grading-dlq")

    assert found["complete"]
    assert {each["reason_code"] for each in found["messages"]} == wanted


def test_a_second_apply_finds_nothing_to_do(stack: Any) -> None:
    """What was applied is what the files say; a program sees it by the counts."""
    applied = stack.ask("apply", "local", "--yes")

    assert set(applied["summary"].values()) == {0}


def test_a_request_outlives_the_worker_that_grades_it(stack: Any) -> None:
    """After kill -9 another worker grades it; there is one result, and the row counts both."""
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
    """A producer that is not sure may send again: the stored result comes, and no second run."""
    arguments = ("submit", "-p", "sum", "-l", "python", "--wait", str(SUM / "accepted.py"))
    request_id = stack.ask(*arguments)["request_id"]
    bucket = stack.client("s3")
    request = bucket.get_object(Bucket="local-grading-files", Key=metadata_key(request_id))

    stack.send(REQUESTS_QUEUE, request["Body"].read())

    found = until(stack, request_id, lambda found: len(found["messages"]) == 2)
    assert {each["queue"] for each in found["messages"]} == {RESULTS_QUEUE}
    assert found["row"]["attempts"] == 1


def test_more_tasks_are_more_consumers_and_no_change_for_a_plan(stack: Any) -> None:
    """The number of tasks belongs to autoscaling: workers follow it, and a plan lets it be."""
    (cluster,) = stack.client("ecs").list_clusters()["clusterArns"]
    (service,) = stack.client("ecs").list_services(cluster=cluster)["serviceArns"]

    stack.client("ecs").update_service(cluster=cluster, service=service, desiredCount=3)

    assert stack.run("local", "status", "--wait", "60").returncode == 0
    queues = {each["queue"]: each for each in stack.ask("queue", "list")["queues"]}
    assert queues[REQUESTS_QUEUE]["consumers"] == 3
    assert stack.run("plan", "local", "--detailed-exitcode").returncode == 0


def test_destroy_wants_the_name_and_down_leaves_nothing(stack: Any) -> None:
    """Destroying for real takes minutes and is shown in tests/terraform and tests/integration."""
    ports = stack.ports()
    assert stack.run("destroy", "local").returncode == 5

    assert stack.ask("local", "down")["stopped"]
    stack.assert_nothing_is_left(ports)
