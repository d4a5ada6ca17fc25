"""`gradectl smoke` with a real worker and sandbox."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Sequence
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pymysql
import pytest
from sample_submissions import sample, submit

from gradectl.adapters.broker import BrokerAccess, Line, StompBroker, open_broker
from gradectl.smoke.environment import SmokeEnvironment
from gradectl.smoke.report import PASSED, PRIORITY
from gradectl.smoke.smoke_test import SmokePlan, SmokeTest
from grader.adapters.activemq.connection import connect
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.adapters.s3 import S3ObjectStore
from grader.contract.names import DEAD_LETTER_QUEUE, REQUESTS_QUEUE, RESULTS_QUEUE
from grader.ports.messages import Outgoing

pytestmark = pytest.mark.engine

SCHEMAS = Path(__file__).parents[4] / "docs" / "schemas" / "cli"


def open_admin_broker(applied: Any) -> AbstractContextManager[StompBroker]:
    """Connect to the broker for the block."""
    running = applied.broker
    access = BrokerAccess(running.endpoint, running.user, running.password, running.ca_file)
    return open_broker(access)


def sizes(applied: Any) -> dict[str, int]:
    """Return the sizes of the queues of requests, results and dead letters."""
    with open_admin_broker(applied) as broker:
        queues = (REQUESTS_QUEUE, RESULTS_QUEUE, DEAD_LETTER_QUEUE)
        found = broker.inspector.statistics(queues)
    return {queue: each.size for queue, each in found.items()}


def rows(applied: Any) -> int:
    """Return the number of rows of the table of jobs, which the first worker creates."""
    found = applied.database
    connection = pymysql.connect(
        host="127.0.0.1",
        port=found.port,
        user=found.user,
        password=found.password,
        database=found.name,
    )
    with connection, connection.cursor() as cursor, suppress(pymysql.err.ProgrammingError):
        cursor.execute("SELECT COUNT(*) FROM jobs")
        return int((cursor.fetchone() or (0,))[0])
    return 0


def test_the_smoke_test_passes_and_leaves_no_trace(grading: Any) -> None:
    """For both queues; other messages stay."""
    submit(grading, "--language", "python", sample("accepted.py"))
    objects, messages = grading.stored(), sizes(grading)

    done = grading.gradectl("smoke", grading.name, "--output", "json")

    assert done.code == 0, done.stderr
    document = done.document
    assert [each["queue"] for each in document["probes"]] == [
        "grading-requests",
        "grading-priority",
    ]
    assert {each["proof"] for each in document["probes"]} == {
        "result message, by its correlation id"
    }
    assert document["left_behind"] == []
    assert document["dead_letters"]["before"] == document["dead_letters"]["after"]
    assert grading.stored() == objects
    assert sizes(grading) == messages
    assert grading.gradectl("result", document["probes"][0]["request_id"]).code == 1


def test_a_smoke_test_of_several_jobs_checks_poison_and_leaves_no_trace(
    grading: Any, tmp_path: Path
) -> None:
    """Percentiles by hop; the dead letters of others stay, also those that look like its own."""
    foreign = {"correlation-id": "smoke-0-poison", "x-gradectl-reason-code": "INVALID_REQUEST"}
    with open_admin_broker(grading) as broker:
        for _ in range(3):
            broker.send(DEAD_LETTER_QUEUE, b'{"requestId": "smoke-0-poison"}', foreign)
    before = (grading.stored(), sizes(grading), rows(grading))
    junit_file = tmp_path / "smoke.xml"

    done = grading.gradectl(
        *("smoke", grading.name, "--count", "3", "--check", "poison", "--check", "priority"),
        *("--junit", str(junit_file), "--output", "json"),
    )

    assert done.code == 0, done.stderr
    document = done.document
    by_hop = {(each["queue"], each["hop"]): each for each in document["latencies"]}
    assert {hop for queue, hop in by_hop if queue == REQUESTS_QUEUE} == {
        *("upload", "send", "queue wait", "grading", "result", "row", "total")
    }
    assert {(each["n"], each["p95_ms"]) for each in by_hop.values()} == {(3, None)}
    checks = {each["name"]: each for each in document["checks"]}
    assert checks["poison"]["outcome"] == "passed", checks
    assert "from grading-requests, INVALID_REQUEST: userId" in checks["poison"]["detail"]
    assert checks["priority"]["outcome"] in ("passed", "not observable"), checks
    assert document["left_behind"] == []
    assert (grading.stored(), sizes(grading), rows(grading)) == before
    assert ET.parse(junit_file).getroot().get("failures") == "0"
    assert grading.broker.password not in junit_file.read_text() + done.stdout + done.stderr


def test_an_urgent_job_overtakes_ordinary_jobs_that_wait_for_a_worker(grading: Any) -> None:
    """The worker is stopped while they are sent, so that it cannot be idle."""
    before = (grading.stored(), sizes(grading), rows(grading))

    class Stopping(StompBroker):
        def send_all(self, messages: Sequence[Outgoing]) -> None:
            grading.worker.send_signal(signal.SIGSTOP)
            super().send_all(messages)

    running = grading.broker
    access = BrokerAccess(running.endpoint, running.user, running.password, running.ca_file)
    login = DatabaseLogin(
        *(grading.database.endpoint, grading.database.name),
        *(grading.database.user, grading.database.password),
    )
    engine = open_engine(lambda: login, connections=1)
    store = S3ObjectStore(grading.client("s3"), grading.bucket)
    broker = Stopping(Line(access))
    parts = SmokeEnvironment(grading.bucket, store, broker, MysqlJobStore(engine))
    try:
        report = SmokeTest(parts, SmokePlan(300.0, checks=(PRIORITY,))).run(
            lambda _said: grading.worker.send_signal(signal.SIGCONT)
        )
    finally:
        grading.worker.send_signal(signal.SIGCONT)
        broker.close()
        engine.dispose()

    (check,) = report.checks
    assert (check.outcome, report.failure) == (PASSED, ""), check
    assert re.search(r"overtook [3-9] of [4-9] waiting ordinary jobs", check.detail), check
    assert report.left_behind == ()
    assert (grading.stored(), sizes(grading), rows(grading)) == before


def test_a_canary_runs_until_ctrl_c_and_puts_metrics(grading: Any) -> None:
    """A line for each run, then the sum; nothing is left behind."""
    before = (grading.stored(), sizes(grading), rows(grading))
    canary = grading.start(
        *("smoke", grading.name, "--every", "1s", "--metric", "--output", "json")
    )
    assert canary.stdout is not None
    lines = [canary.stdout.readline() for _ in range(2)]

    canary.send_signal(signal.SIGINT)
    rest, said = canary.communicate(timeout=120)

    assert canary.returncode == 130, said
    documents = [json.loads(line) for line in [*lines, *rest.splitlines()]]
    for document in documents:
        schema = json.loads((SCHEMAS / f"{document['kind']}.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(document)
    *runs, total = documents
    assert {each["passed"] for each in runs} == {True}
    assert (total["kind"], total["runs"], total["failed"]) == ("smoke-canary", len(runs), 0)
    assert metrics(grading, "SmokeFailed")[0] == 0.0  # a run is put after its line is written
    assert metrics(grading, "SmokeDuration")[0] == runs[0]["ms"]
    assert (grading.stored(), sizes(grading), rows(grading)) == before


def metrics(applied: Any, name: str) -> list[float]:
    """Return the values of a metric in CloudWatch, the oldest first."""
    now = datetime.now(UTC)
    metric = {"Namespace": f"gradectl/{applied.name}-grading", "MetricName": name}
    (answer,) = applied.client("cloudwatch").get_metric_data(
        MetricDataQueries=[
            {"Id": "m", "MetricStat": {"Metric": metric, "Period": 1, "Stat": "Sum"}}
        ],
        StartTime=now - timedelta(hours=1),
        EndTime=now + timedelta(hours=1),
        ScanBy="TimestampAscending",
    )["MetricDataResults"]
    return list(answer["Values"])


def test_the_smoke_test_finds_its_results_behind_300_others(grading: Any) -> None:
    """A selective consumer alone gets only paged-in messages of a queue without a consumer."""
    with open_admin_broker(grading) as broker:
        for number in range(300):
            broker.send(RESULTS_QUEUE, b"%d" % number, {})
    messages = sizes(grading)

    done = grading.gradectl("smoke", grading.name, "--output", "json")

    assert done.code == 0, done.stderr
    assert {each["proof"] for each in done.document["probes"]} == {
        "result message, by its correlation id"
    }
    assert sizes(grading) == messages


def test_the_smoke_test_passes_although_a_web_tier_consumes_all_results(grading: Any) -> None:
    """The proof is the message or the stored row, depending on which consumer is faster."""
    running = grading.broker
    web = connect([running.endpoint], running.user, running.password, ca_file=running.ca_file)
    web.subscribe(RESULTS_QUEUE, headers={"ack": "auto", "activemq.prefetchSize": "1000"})
    try:
        done = grading.gradectl("smoke", grading.name, "--output", "json")
    finally:
        web.close()

    assert done.code == 0, done.stderr
    for probe in done.document["probes"]:
        assert probe["proof"].startswith(("result message", "stored row; another consumer"))
    assert done.document["left_behind"] == []
    assert not [key for key in grading.stored() if "smoke-" in key]


def test_an_interrupted_smoke_test_leaves_no_trace(grading: Any) -> None:
    """Ctrl-C exits with 130 after the clean-up."""
    objects, messages = grading.stored(), sizes(grading)
    process = grading.start("smoke", grading.name)
    assert process.stderr is not None
    for line in process.stderr:
        if "testing" in line:
            break

    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)

    assert process.returncode == 130, rest
    assert "cleaning up" in rest
    assert grading.stored() == objects
    assert sizes(grading) == messages
