"""Producers that are not ours, and the commands, in an environment on SQS with a real worker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from sqs_environment import AppliedOnSqs, make_sqs_environment

from gradectl.local.testing import RunningDatabase
from grader.contract.messages import GradingResult

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
CLIENTS = ROOT / "examples" / "clients"
PAGE = (ROOT / "docs" / "integrate.md").read_text()
#: The environment that the page names.
PAGES_NAME = "exams"
REGION = {"AWS_REGION": "ap-northeast-2", "AWS_DEFAULT_REGION": "ap-northeast-2"}
SAMPLE = str(ROOT / "examples" / "submissions" / "sum" / "accepted.py")
ACCEPTED = "completed AC 100"
without_npm = pytest.mark.skipif(
    shutil.which("npm") is None, reason="npm is not installed; see https://nodejs.org"
)


@pytest.fixture(scope="module")
def grading(
    own_database: RunningDatabase,
    moto_server: str,
    launcher: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[AppliedOnSqs]:
    """An environment without a broker, with one worker and the problem `sum`."""
    applied = make_sqs_environment(own_database, moto_server, tmp_path_factory.mktemp)
    with (applied.root / "worker.log").open("w") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "grader", "worker"],
            env=applied.worker_environment(launcher),
            stderr=log,
        )
    pushed = applied.gradectl("problem", "push", str(ROOT / "examples" / "problems" / "sum"))
    assert pushed.code == 0, pushed.stderr
    yield applied
    worker.terminate()
    worker.wait(60)
    applied.stack.close()


@pytest.fixture(scope="module")
def aws_cli() -> Path:
    """The folder of the AWS CLI, from the registry of Python packages."""
    output([str(ROOT / "scripts" / "awscli")], os.environ, ROOT)
    return ROOT / ".venv-awscli" / "bin"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs for Node, with the packages that they use for SQS."""
    folder = tmp_path_factory.mktemp("clients")
    shutil.copytree(CLIENTS, folder, dirs_exist_ok=True)
    output(["npm", "install", "--no-audit", "--no-fund"], os.environ, folder)
    return folder


def output(command: list[str], environ: Mapping[str, str], folder: Path) -> str:
    """What a program prints."""
    done = subprocess.run(
        command, env=environ, cwd=folder, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def environ_of(applied: AppliedOnSqs, **changes: str) -> dict[str, str]:
    """The variables of a program of a web tier."""
    return {**applied.environ(), "GRADING_ENVIRONMENT": applied.name, **REGION, **changes}


def test_a_request_sent_by_the_aws_cli_is_graded(
    grading: AppliedOnSqs, aws_cli: Path, tmp_path: Path
) -> None:
    """The commands of the page: a plain message without attributes."""
    (commands,) = (
        each
        for each in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
        if "aws sqs send-message" in each
    )
    # version 1 of the CLI ignores AWS_ENDPOINT_URL for SQS
    emulated = commands.replace("aws sqs ", f"aws --endpoint-url {grading.endpoint_url} sqs ")
    script = emulated.replace(PAGES_NAME, grading.name)
    environ = environ_of(grading, PATH=f"{aws_cli}:{os.environ['PATH']}")

    printed = output(["sh", "-euc", script], environ, tmp_path)

    sent, _, stored = printed.partition("}\n")
    result = GradingResult.from_json(stored.encode())
    assert "MessageId" in sent
    assert result.result
    assert (result.status, result.result.verdict) == ("completed", "AC")


@without_npm
def test_a_request_sent_by_the_sdk_for_javascript_is_graded(
    grading: AppliedOnSqs, packages: Path
) -> None:
    """With the package of the registry."""
    assert output(["node", "sqs.js"], environ_of(grading), packages) == ACCEPTED


def test_a_program_with_boto3_receives_its_result(grading: AppliedOnSqs, tmp_path: Path) -> None:
    """As the one consumer of results: each is deleted after it was stored."""
    program = [sys.executable, str(CLIENTS / "sqs_boto3.py")]

    assert output(program, environ_of(grading), tmp_path) == ACCEPTED
    assert grading.count("grading-results") == 0


def test_the_client_for_python_works_without_a_broker(
    grading: AppliedOnSqs, tmp_path: Path
) -> None:
    """The program of the page, which does not name the transport."""
    (block,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    program = tmp_path / "program.py"
    program.write_text(block.replace(f'"{PAGES_NAME}"', f'"{grading.name}"'))

    assert output([sys.executable, str(program)], grading.environ(), tmp_path) == ACCEPTED


def test_a_submission_is_followed_with_bucket_and_row(grading: AppliedOnSqs) -> None:
    """Submit, result and trace need no search of queues once there is a result."""
    sent = grading.gradectl("submit", "-p", "sum", "--wait", SAMPLE, "-o", "json")
    assert sent.code == 0, sent.stderr
    request_id = sent.document["request_id"]

    result = grading.gradectl("result", request_id, "-o", "json")
    trace = grading.gradectl("queue", "trace", request_id, "-o", "json")

    assert result.code == 0, result.stderr
    assert result.document["state"] == "finished"
    assert result.document["row"]["attempts"] == 1
    assert (result.document["messages"], result.document["not_asked"]) == ([], [])
    assert trace.document["state"].startswith("finished")
    assert "database" in [each["place"] for each in trace.document["events"]]


def test_a_request_that_no_one_has_seen_is_said_to_be_unsearchable(grading: AppliedOnSqs) -> None:
    """One line says that a queue with messages cannot be searched for it."""
    queue = grading.urls["grading-dlq"]
    grading.client("sqs").send_message(QueueUrl=queue, MessageBody="{}")

    found = grading.gradectl("result", "req_unknown")

    grading.client("sqs").purge_queue(QueueUrl=queue)
    assert found.code == 3, found.stderr
    assert "not found: Amazon SQS cannot be searched" in found.stdout
    assert found.stderr.count("Amazon SQS cannot be searched for a request; messages:") == 1


def test_a_smoke_test_passes_and_leaves_nothing(grading: AppliedOnSqs) -> None:
    """With the poison check; messages of others are neither taken nor lost."""
    grading.client("sqs").purge_queue(QueueUrl=grading.urls["grading-results"])
    for queue in ("grading-results", "grading-dlq"):
        theirs = json.dumps({"requestId": "theirs"})
        grading.client("sqs").send_message(QueueUrl=grading.urls[queue], MessageBody=theirs)

    done = grading.gradectl("smoke", grading.name, "--check", "poison", "-o", "json")

    assert done.code == 0, done.stderr
    assert done.document["passed"]
    assert [each["proof"] for each in done.document["probes"]] == [
        "result message, by its correlation id"
    ] * 2
    assert [each["outcome"] for each in done.document["checks"]] == ["passed"]
    assert done.document["left_behind"] == []
    assert [grading.count(queue) for queue in grading.urls] == [0, 0, 1, 1]


def test_status_and_doctor_miss_no_broker(grading: AppliedOnSqs) -> None:
    """What fails here is what a real apply would have made: service and database."""
    seen = grading.gradectl("status", grading.name, "-o", "json").document
    found = grading.gradectl("doctor", grading.name, "-o", "json").document

    assert (seen["transport"], seen["draining"], seen["broker"]) == ("sqs", None, None)
    assert [each["queue"] for each in seen["queues"]] == list(grading.urls)
    outcomes = {each["name"]: each["outcome"] for each in found["checks"]}
    names = ("broker", "request-queues", "redrive-policy", "oldest-request", "broker-address")
    assert {outcomes[name] for name in names} == {"ok"}


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("broker-users", "sync"), 78, "this environment uses Amazon SQS: it has no broker"),
        (("secrets", "rotate"), 64, "this environment uses Amazon SQS: it has no broker"),
    ],
)
def test_commands_for_users_of_a_broker_say_that_there_is_none(
    grading: AppliedOnSqs, arguments: tuple[str, ...], code: int, said: str
) -> None:
    """In one clear error."""
    secret = ["mq-worker"] if arguments[0] == "secrets" else []

    done = grading.gradectl(*arguments, grading.name, *secret, "--yes")

    assert (done.code, said in done.stderr) == (code, True), done.stderr
