"""`gradectl queue redrive`, `move`, `delete`, `purge`, `export`, `import`, `send` and `tail`."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from typing import Any

import jsonschema
import pytest
from sample_results import completed
from tcp_relay import Relay

from gradectl.local.loopback import free_ports
from gradectl.local.testing import RunningDatabase
from grader.adapters.activemq.connection import connect
from grader.adapters.mysql.engine import DatabaseLogin, open_engine
from grader.adapters.mysql.store import MysqlJobStore
from grader.contract.callbacks import Callback
from grader.contract.messages import GradingRequest
from grader.migrations import migrate
from grader.ports.jobs import Claim, Granted
from grader.ports.results import DeliveryStatus

pytestmark = pytest.mark.engine
ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
SCHEMAS = ROOT / "docs" / "schemas" / "cli"
FROM = {"x-gradectl-original-queue": "grading-requests", "x-gradectl-reason-code": "INTERNAL_ERROR"}
REQUEST = {
    "requestId": "req_sent",
    "userId": "u",
    "problemId": "sum",
    "language": "python",
    "sourceFile": "s3://b/submissions/req_sent/solution.py",
    "timeLimit": 1000,
    "memoryLimit": 64,
    "timestamp": "2024-08-20T12:00:00Z",
}


@pytest.fixture(scope="module", autouse=True)
def table(own_database: RunningDatabase) -> None:
    """The table of jobs, as a worker makes it when it starts."""
    where = own_database
    engine = open_engine(
        lambda: DatabaseLogin(where.endpoint, where.name, where.user, where.password)
    )
    migrate(engine)
    engine.dispose()


def checked(result: Any) -> Any:
    """The document of a command, which must have the form of its schema."""
    document = result.document
    schema = json.loads((SCHEMAS / f"{document['kind']}.json").read_text())
    jsonschema.validate(document, schema)
    return document


def dead_letters(applied: Any, count: int) -> Any:
    """Send some; returns the broker."""
    broker = applied.open_broker()
    for number in range(count):
        body = json.dumps({"requestId": f"req_{number}", "language": "python"}).encode()
        broker.send("grading-dlq", body, FROM)
    return broker


def sizes(broker: Any) -> dict[str, int]:
    """Messages by queue, without the empty ones."""
    queues = ["grading-requests", "grading-priority", "grading-results", "grading-dlq"]
    found = broker.inspector.statistics(queues)
    return {name: each.size for name, each in found.items() if each.size}


def test_redrive_shows_what_would_go_where_and_changes_nothing(applied: Any) -> None:
    """Until --apply, and with --dry-run in spite of it."""
    broker = dead_letters(applied, 2)
    broker.send("grading-dlq", b"\xff", {})

    shown = applied.gradectl("queue", "redrive")
    dry = applied.gradectl("queue", "redrive", "--apply", "--dry-run", "-o", "json")

    assert shown.code == dry.code == 0, shown.stderr + dry.stderr
    assert "2 to grading-requests" in shown.stderr
    assert "its queue is unknown: --to QUEUE" in shown.stderr
    assert "--apply" in shown.stderr
    assert [each["to"] for each in checked(dry)["planned"]] == ["grading-requests"] * 2
    assert (checked(dry)["applied"], checked(dry)["taken"]) == (False, 0)
    assert sizes(broker) == {"grading-dlq": 3}


def test_inspect_marks_the_messages_that_workers_have_claimed(
    applied: Any, own_database: RunningDatabase
) -> None:
    """In flight are two; a browse shows no difference, but the claim of one names its worker."""
    broker = applied.open_broker()
    for number in range(3):
        body = json.dumps({**REQUEST, "requestId": f"req_{number}"}).encode()
        broker.send("grading-requests", body, {"priority": str(9 - number)})
    where = applied.broker
    consumer = connect([where.endpoint], where.user, where.password, ca_file=where.ca_file)
    applied.stack.callback(consumer.close)
    consumer.subscribe("grading-requests", headers={"activemq.prefetchSize": "2"})
    held = [consumer.next_frame(60), consumer.next_frame(60)]
    login = DatabaseLogin(
        own_database.endpoint, own_database.name, own_database.user, own_database.password
    )
    engine = open_engine(lambda: login)
    request = GradingRequest.from_json(held[0].body)
    MysqlJobStore(engine).claim(Claim(request, held[0].message_id, "grading-requests", "worker-7"))
    engine.dispose()

    shown = applied.gradectl("queue", "inspect", "grading-requests")
    document = checked(applied.gradectl("queue", "inspect", "grading-requests", "-o", "json"))
    applied.set_parameter("db/endpoint", f"127.0.0.1:{free_ports(1)[0]}")
    without = applied.gradectl("queue", "inspect", "grading-requests")

    assert shown.code == 0, shown.stderr
    assert "seen 3 of 3 (complete); 2 of them in flight, 1 marked by their claims" in shown.stdout
    (line,) = [each for each in shown.stdout.splitlines() if "worker-7" in each]
    assert held[0].message_id in line
    marks = {each["message_id"]: each["in_flight_at"] for each in document["messages"]}
    assert marks.pop(held[0].message_id) == "worker-7"
    assert set(marks.values()) == {None}
    assert without.code == 0, without.stderr
    assert "2 of them in flight\n" in without.stdout
    assert "the messages in flight are not marked" in without.stderr


def test_redrive_puts_the_selected_messages_back(applied: Any) -> None:
    """And keeps a journal of them; exit code 3 because one of the selected stays."""
    broker = dead_letters(applied, 4)
    broker.send("grading-dlq", b'{"requestId": "req_0", "language": "cpp"}', {})

    some = applied.gradectl(
        "queue", "redrive", "--where", "body.requestId == 'req_0'", "--apply", "--yes", "-o", "json"
    )

    assert some.code == 3, some.stderr
    assert (checked(some)["taken"], len(checked(some)["held_back"])) == (1, 1)
    assert sizes(broker) == {"grading-requests": 1, "grading-dlq": 4}
    (again,) = broker.inspector.browse("grading-requests")
    assert again.headers["x-gradectl-redrives"] == "1"
    assert "x-gradectl-reason-code" not in again.headers
    journal = Path(checked(some)["journal"])
    assert journal.parent == applied.root / ".gradectl" / "queues"
    assert [json.loads(line)["event"] for line in journal.read_text().splitlines()] == [
        "taking",
        "taken",
    ]


def test_a_redrive_whose_broker_goes_away_says_how_far_it_came_and_goes_on(applied: Any) -> None:
    """Nothing is lost or doubled."""
    broker = dead_letters(applied, 250)
    (port,) = free_ports(1)
    relay = Relay(applied.broker.port, port)
    applied.stack.callback(relay.cut)
    applied.set_parameter("mq/broker-endpoint", f"stomp+ssl://localhost:{port}")
    relay.open()
    returned = threading.Event()

    def cut_when_it_has_begun() -> None:
        while not (returned.is_set() or sizes(broker).get("grading-requests")):
            returned.wait(0.05)
        relay.cut()

    watching = threading.Thread(target=cut_when_it_has_begun, daemon=True)
    watching.start()
    redrive = ("queue", "redrive", "--apply", "--yes", "-o", "json")
    try:
        cut = applied.gradectl(*redrive, "--rate", "1")  # minutes, unless it is cut
    finally:
        returned.set()
        watching.join()
    assert sum(sizes(broker).values()) == 250
    relay.open()
    rest = applied.gradectl(*redrive)

    assert cut.code == 69, cut.stderr
    assert re.search(r"interrupted: at least \d+ of 250 messages were taken", cut.stderr)
    assert "the same command goes on" in cut.stderr
    assert "next:" in cut.stderr
    assert rest.code == 0, rest.stderr
    assert sizes(broker) == {"grading-requests": 250}
    bodies = {each.body for each in broker.inspector.browse("grading-requests")}
    assert len(bodies) == 250


def test_a_redriven_request_is_graded_anew(applied: Any, launcher: Path) -> None:
    """Its failed result in the database does not answer it again; it ends with one row."""
    source = EXAMPLES / "submissions" / "sum" / "accepted.py"
    case = applied.client("s3")
    case.put_object(Bucket=applied.bucket, Key="problems/sum/testcases/1.in", Body=b"1 2\n")
    submit = ("submit", "-p", "sum", "-l", "python", str(source), "--wait", "-o", "json")
    worker = subprocess.Popen(
        [sys.executable, "-m", "grader", "worker"],
        env=applied.worker_environment(launcher),
        stderr=subprocess.DEVNULL,
    )
    try:
        failed = applied.gradectl(*submit)  # the case has no answer
        pushed = applied.gradectl("problem", "push", str(EXAMPLES / "problems" / "sum"))
        redriven = applied.gradectl("queue", "redrive", "--apply", "--yes", "-o", "json")
        request_id = failed.document["request_id"]
        with applied.open_broker().watch("grading-results", request_id) as watch:
            bodies = [json.loads(watch.take(300)), json.loads(watch.take(60))]
            kept = applied.gradectl("queue", "requeue", request_id, "--apply", "--yes")
            again = applied.gradectl(
                *("queue", "requeue", request_id, "--again", "--apply", "--yes", "-o", "json")
            )
            bodies.append(json.loads(watch.take(300)))
    finally:
        worker.terminate()
        worker.wait(30)

    assert failed.document["result"]["error"]["code"] == "TEST_CASES_NOT_FOUND", failed.stdout
    assert pushed.code == redriven.code == 0, redriven.stderr
    assert checked(redriven)["taken"] == 1
    assert [each["status"] for each in bodies] == ["failed", "completed", "completed"]
    assert (kept.code, checked(again)["row"], checked(again)["message"]) == (5, "delete", "send")
    assert bodies[1]["result"]["verdict"] == "AC"


@pytest.fixture
def jobs(own_database: RunningDatabase) -> Iterator[MysqlJobStore]:
    """The table of jobs, as a worker sees it whose clock is ten minutes slow."""
    where = own_database
    engine = open_engine(
        lambda: DatabaseLogin(where.endpoint, where.name, where.user, where.password)
    )
    earlier = datetime.now(UTC).replace(tzinfo=None) - timedelta(minutes=10)
    yield MysqlJobStore(engine, now=lambda: earlier)
    engine.dispose()


def log(applied: Any, *texts: str) -> None:
    """Write lines to the log of a worker."""
    logs, group = applied.client("logs"), f"/ecs/{applied.name}-grading"
    stream = f"grading-worker/grading-worker/{'0123456789abcdef' * 2}"
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName=stream)
    now_ms = int(time() * 1000)
    events = [{"timestamp": now_ms + at, "message": text} for at, text in enumerate(texts)]
    logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=events)


def submitted(applied: Any) -> GradingRequest:
    """Submit a program; returns its request."""
    applied.client("s3").put_object(
        Bucket=applied.bucket, Key="problems/sum/testcases/1.in", Body=b"1 2\n"
    )
    source = EXAMPLES / "submissions" / "sum" / "accepted.py"
    sent = applied.gradectl("submit", "-p", "sum", "-l", "python", str(source), "-o", "json")
    assert sent.code == 0, sent.stderr
    return GradingRequest.model_validate(sent.document["request"])


def test_the_request_of_a_dead_worker_is_found_and_sent_again(
    applied: Any, jobs: MysqlJobStore
) -> None:
    """The trace says that no worker will go on, and its next command repairs that."""
    request = submitted(applied)
    request_id = request.request_id
    log(applied, f"[2024-08-20 12:00:00] INFO: Processing request {request_id}")
    broker = applied.open_broker()
    waiting = applied.gradectl("queue", "trace", request_id, "-o", "json")
    jobs.claim(Claim(request, "ID:lost", "grading-requests", "dead-worker"))
    with broker.watch("grading-requests", request_id) as watch:
        assert watch.take(300)  # the message is lost with the worker

    stuck = applied.gradectl("queue", "trace", request_id)
    plan = applied.gradectl("queue", "requeue", request_id, "-o", "json")
    dry = applied.gradectl("queue", "requeue", request_id, "--apply", "--dry-run", "-o", "json")
    assert sizes(broker) == {}
    done = applied.gradectl("queue", "requeue", request_id, "--apply", "--yes", "-o", "json")
    again = applied.gradectl("queue", "requeue", request_id, "--apply", "--yes", "-o", "json")

    assert (waiting.code, stuck.code) == (0, 0), waiting.stderr + stuck.stderr
    assert checked(waiting)["state"] == "in grading-requests"
    assert [each["place"] for each in checked(waiting)["events"]] == [
        *("producer", "bucket", "bucket", "grading-requests", "log 89abcdef")
    ]
    assert "claimed by dead-worker, attempt 1" in stuck.stdout
    assert f"next: gradectl queue requeue -e {applied.name} {request_id}" in stuck.stdout
    assert [checked(each)["applied"] for each in (plan, dry, done)] == [False, False, True]
    assert (checked(done)["row"], checked(done)["message"]) == ("release", "send")
    assert checked(again)["steps"] == []
    (message,) = broker.inspector.browse("grading-requests")
    assert json.loads(message.body)["requestId"] == request_id
    other = Claim(request, message.message_id, "grading-requests", "other")
    assert jobs.claim(other) == Granted(2)


def test_a_request_that_a_worker_has_is_not_sent_again(applied: Any, jobs: MysqlJobStore) -> None:
    """Exit code 5, with the worker and the age of its claim; its message is still in its queue."""
    request = submitted(applied)
    broker, where = applied.open_broker(), applied.broker
    consumer = connect([where.endpoint], where.user, where.password, ca_file=where.ca_file)
    applied.stack.callback(consumer.close)
    consumer.subscribe("grading-requests", headers={"activemq.prefetchSize": "1"})
    held = consumer.next_frame(60)
    assert held
    jobs.claim(Claim(request, held.message_id, "grading-requests", "w", timedelta(hours=1)))

    requeue = ("queue", "requeue", request.request_id, "--apply", "--yes", "-o", "json")
    refused = applied.gradectl(*requeue)
    shown = applied.gradectl("result", request.request_id)
    assert sizes(broker) == {"grading-requests": 1}
    forced = applied.gradectl(*requeue, "--force")

    assert refused.code == 5
    assert (checked(forced)["row"], checked(forced)["message"]) == ("release", "send")
    assert sizes(broker) == {"grading-requests": 2}
    assert "worker w has attempt 1, claimed 10m" in " ".join(refused.stderr.split())
    assert "running, attempt 1, claimed 10m" in shown.stdout


def test_a_trace_says_what_it_could_not_read(applied: Any) -> None:
    """Exit code 3; an unknown request is not found, as in `gradectl result`."""
    request_id = submitted(applied).request_id

    partly = applied.gradectl("queue", "trace", request_id)
    applied.set_parameter("db/endpoint", "127.0.0.1:1")
    unknown = applied.gradectl("queue", "trace", "req_unknown")
    refused = applied.gradectl("queue", "requeue", request_id, "--apply", "--yes")
    applied.set_parameter("db/endpoint", applied.database.endpoint)
    without_logs = applied.gradectl("queue", "trace", "req_unknown")
    log(applied, "INFO: Processing request req_logged")
    missing = applied.gradectl("queue", "trace", "req_unknown")
    logged = applied.gradectl("queue", "trace", "req_logged")
    applied.set_parameter("db/endpoint", "127.0.0.1:1")
    unclear = applied.gradectl("queue", "trace", "req_logged")

    assert (logged.code, unclear.code) == (0, 3)
    assert "not found, except in logs and webhooks" in logged.stderr + logged.stdout
    assert "is unknown: not every place could be read" in unclear.stderr + unclear.stdout
    assert partly.code == 3, partly.stderr
    assert "not read: log: " in partly.stderr
    assert "in grading-requests" in partly.stdout
    assert (unknown.code, refused.code, missing.code) == (69, 69, 1), missing.stderr
    assert "database: " in unknown.stderr
    assert without_logs.code == 69
    assert "log: " in without_logs.stderr


def test_export_delete_and_import_bring_back_what_was_there(applied: Any) -> None:
    """Byte for byte, and the file is private."""
    broker = dead_letters(applied, 2)
    broker.send("grading-dlq", bytes(range(256)), {"x-note": "a:b\nc"})
    file = applied.root / "dead.ndjson"

    exported = applied.gradectl("queue", "export", "grading-dlq", "--to", str(file))
    again = applied.gradectl("queue", "export", "grading-dlq", "--to", str(file))
    deleted = applied.gradectl(
        "queue", "delete", "grading-dlq", "--older-than", "0s", "--apply", "--yes"
    )
    assert sizes(broker) == {}
    imported = applied.gradectl("queue", "import", str(file), "--apply", "--yes", "-o", "json")

    assert exported.code == deleted.code == imported.code == 0, imported.stderr
    assert again.code == 64
    assert file.stat().st_mode & 0o777 == 0o600
    assert checked(imported)["sent"] == 3
    last = max(broker.inspector.browse("grading-dlq"), key=lambda each: len(each.body))
    assert last.body == bytes(range(256))
    assert last.headers["x-note"] == "a:b\nc"


def test_purge_asks_for_the_name_and_exports_first(applied: Any) -> None:
    """A wrong name changes nothing."""
    broker = dead_letters(applied, 3)

    wrong = applied.gradectl("queue", "purge", "grading-dlq", "--confirm", "grading-dql")
    assert sizes(broker) == {"grading-dlq": 3}
    right = applied.gradectl("queue", "purge", "grading-dlq", "--confirm", "grading-dlq")

    assert (wrong.code, right.code) == (5, 0), right.stderr
    assert sizes(broker) == {}
    (export,) = (applied.root / ".gradectl" / "queues").glob("*.export")
    assert applied.gradectl("queue", "import", str(export)).code == 0


def test_move_takes_the_oldest_to_another_queue(applied: Any) -> None:
    """A missing queue is not created."""
    broker = dead_letters(applied, 3)

    missing = applied.gradectl("queue", "move", "grading-dlq", "--to", "held", "--apply", "--yes")
    done = applied.gradectl(
        *("queue", "move", "grading-dlq", "--to", "grading-priority", "--max", "2"),
        *("--apply", "--yes"),
    )

    assert (missing.code, done.code) == (1, 0), done.stderr
    assert broker.inspector.statistics(["held"]) == {}
    assert sizes(broker) == {"grading-dlq": 1, "grading-priority": 2}


@pytest.mark.parametrize("body", [{**REQUEST, "timeLimit": -1}, {"requestId": "req_1"}])
def test_send_refuses_what_a_worker_would_reject(applied: Any, body: dict[str, object]) -> None:
    """With --raw it is sent unchecked."""
    file = applied.root / "request.json"
    file.write_text(json.dumps(body))
    command = ("queue", "send", "grading-requests", "--file", str(file), "--yes")

    refused = applied.gradectl(*command)
    raw = applied.gradectl(*command, "--raw")

    assert (refused.code, raw.code) == (64, 0), raw.stderr
    assert "--raw" in refused.stderr
    assert sizes(applied.open_broker()) == {"grading-requests": 1}


def test_send_builds_a_request_from_its_fields(applied: Any) -> None:
    """Numbers are numbers, and the correlation id is the request id."""
    fields = [f"{key}={json.dumps(value)}" for key, value in REQUEST.items()]

    sent = applied.gradectl(
        *("queue", "send", "grading-requests", "--header", "priority=7", "--yes"),
        *(part for field in fields for part in ("--field", field)),
    )

    assert sent.code == 0, sent.stderr
    (message,) = applied.open_broker().inspector.browse("grading-requests")
    assert json.loads(message.body) == REQUEST
    assert message.headers["correlation-id"] == "req_sent"
    assert message.headers["priority"] == "7"
    assert message.headers["persistent"] == "true"


def test_tail_shows_a_message_that_arrives(applied: Any) -> None:
    """And consumes none."""
    broker = applied.open_broker()
    following = applied.start("queue", "tail", "grading-results", "--count", "1", "-o", "json")
    # Sent again until it was seen, because the following begins at an unknown time.
    while following.poll() is None:
        broker.send("grading-results", b'{"requestId": "req_1"}', {})
        try:
            following.wait(1)
        except subprocess.TimeoutExpired:
            continue

    assert following.returncode == 0
    line = json.loads(following.stdout.read().splitlines()[0])
    jsonschema.validate(line, json.loads((SCHEMAS / "queue-message-line.json").read_text()))
    assert line["request_id"] == "req_1"
    assert sizes(broker)["grading-results"] >= 1


@pytest.mark.parametrize("name", ["*", "a,b", "", "grading-dlq>"])
@pytest.mark.parametrize("verb", ["redrive", "delete", "purge", "export"])
def test_a_pattern_is_not_a_queue(applied: Any, verb: str, name: str) -> None:
    """It would act on several queues."""
    result = applied.gradectl("queue", verb, name)

    assert result.code == 64
    assert "not the name of a queue" in result.stderr


def test_delete_without_a_condition_is_refused(applied: Any) -> None:
    """All of a queue is the work of purge."""
    result = applied.gradectl("queue", "delete", "grading-dlq", "--apply", "--yes")

    assert result.code == 64
    assert "purge" in result.stderr


def test_webhooks_are_listed_traced_and_sent_again(applied: Any, jobs: MysqlJobStore) -> None:
    """A dead one has its reason; after `resend` the next sender takes it."""
    request = submitted(applied)
    url = "https://hooks.example.com/a"
    jobs.claim(Claim(request, "ID:1", "grading-requests", "one"))
    result = completed(request.request_id)
    jobs.finish(result, attempt=1, callback=Callback(url, host="hooks.example.com"))
    outbox = jobs.outbox()
    (taken,) = outbox.take(9, timedelta(seconds=60), busy={}, most_per_host=9)
    outbox.failed(taken, "HTTP 410, the receiver wants no more", None)

    listed = applied.gradectl("webhook", "list", "--status", "dead", "-o", "json")
    table = applied.gradectl("webhook", "list")
    traced = applied.gradectl("queue", "trace", request.request_id, "-o", "json")
    dry = applied.gradectl("webhook", "resend", "--dead", "--dry-run", "-o", "json")
    assert outbox.find()[0].status is DeliveryStatus.DEAD
    done = applied.gradectl("webhook", "resend", taken.delivery_id, "-o", "json")
    unknown = applied.gradectl("webhook", "resend", "msg_unknown")
    unclear = applied.gradectl("webhook", "resend")

    (row,) = checked(listed)["deliveries"]
    assert (row["subject"], row["url"], row["attempts"]) == (request.request_id, url, 1)
    assert "dead: HTTP 410" in table.stdout
    assert "gradectl webhook resend" in table.stderr
    events = [each["text"] for each in checked(traced)["events"] if each["place"] == "webhook"]
    assert "dead: HTTP 410" in events[0]
    assert [each["delivery_id"] for each in checked(traced)["webhooks"]] == [taken.delivery_id]
    assert (checked(dry)["selected"], checked(dry)["resent"]) == ([taken.delivery_id], [])
    assert checked(done)["resent"] == [taken.delivery_id]
    assert (unknown.code, unclear.code) == (1, 64)
    (again,) = outbox.take(9, timedelta(seconds=60), busy={}, most_per_host=9)
    assert again.attempts == 0
