"""`gradectl queue`, and the errors of commands with an unreachable broker."""

from __future__ import annotations

import io
import json
import os
import signal
import threading
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import in_process
import jsonschema
import pytest
from http_relay import Held, HttpRelay

from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[3]
SECONDS = 120  # a limit for a hung test

REASON = {
    "x-gradectl-reason-code": "UNKNOWN_LANGUAGE",
    "x-gradectl-reason": "unknown language 'ruby'",
    "x-gradectl-original-queue": "grading-requests",
}
ANYTHING = b'{"requestId": "req_1", "note": "\\u001b[31mred"}'


def test_list_shows_counters_and_hints(applied: Any) -> None:
    """As a table, with the next steps on stderr."""
    broker = applied.open_broker()
    for _ in range(3):
        broker.send("grading-requests", b"{}", {})
    broker.send("grading-dlq", ANYTHING, REASON)

    result = applied.gradectl("queue", "list")

    assert result.code == 0, result.stderr
    assert "grading-requests" in result.stdout
    hint = "grading-requests: 0 consumers, 3 waiting: no worker is connected: gradectl local status"
    assert hint in result.stderr
    assert f"gradectl queue inspect grading-dlq -e {applied.name}" in result.stderr


def test_list_has_the_same_data_as_json(applied: Any) -> None:
    """All counters, with hint and next step as separate members."""
    applied.open_broker().send("grading-dlq", ANYTHING, REASON)

    result = applied.gradectl("queue", "list", "--output", "json")

    assert result.code == 0, result.stderr
    assert result.document["kind"] == "queue-list"
    queues = {each["queue"]: each for each in result.document["queues"]}
    assert list(queues) == [
        f"grading-{word}" for word in ("requests", "priority", "results", "dlq")
    ]
    dead = queues["grading-dlq"]
    assert (dead["exists"], dead["size"], dead["waiting"], dead["in_flight"]) == (True, 1, 1, 0)
    assert dead["oldest_seconds"] >= 0
    assert dead["next"].startswith("gradectl queue inspect grading-dlq")


def test_inspect_shows_the_reasons_of_dead_letters_and_changes_nothing(applied: Any) -> None:
    """Two runs have the same output, with the number of messages read."""
    broker = applied.open_broker()
    for _ in range(2):
        broker.send("grading-dlq", ANYTHING, REASON)

    first = applied.gradectl("queue", "inspect", "grading-dlq")
    second = applied.gradectl("queue", "inspect", "grading-dlq", "--output", "json")

    assert first.code == second.code == 0, first.stderr + second.stderr
    assert "seen 2 of 2" in first.stdout
    assert "UNKNOWN_LANGUAGE: unknown language 'ruby'" in first.stdout
    assert "req_1" in first.stdout
    document = second.document
    assert (document["seen"], document["size"], document["complete"]) == (2, 2, True)
    assert {each["reason_code"] for each in document["messages"]} == {"UNKNOWN_LANGUAGE"}
    assert {each["original_queue"] for each in document["messages"]} == {"grading-requests"}


def test_inspect_shows_one_message_with_its_body_and_no_control_characters(applied: Any) -> None:
    """A message cannot control the operator's terminal."""
    broker = applied.open_broker()
    broker.send("grading-dlq", ANYTHING, REASON)
    broker.send("grading-dlq", b"\x1b]0;title\x07 not JSON", {})
    (first, second) = broker.inspector.browse("grading-dlq")

    shown = applied.gradectl("queue", "inspect", "grading-dlq", "--message", first.message_id)
    raw = applied.gradectl("queue", "inspect", "grading-dlq", "--message", second.message_id)
    plain = applied.gradectl(
        *("queue", "inspect", "grading-dlq", "--message", first.message_id, "-o", "json")
    )

    assert shown.code == raw.code == 0, shown.stderr + raw.stderr
    assert "x-gradectl-reason-code" in shown.stdout
    assert '"requestId": "req_1"' in shown.stdout
    assert "\x1b" not in shown.stdout + raw.stdout
    assert "\\x1b]0;title\\x07 not JSON" in raw.stdout
    assert plain.document["message"]["body"]["requestId"] == "req_1"


def test_a_limit_bounds_what_is_read(applied: Any) -> None:
    """The result is not marked as incomplete, and says that there are more."""
    broker = applied.open_broker()
    for number in range(30):
        broker.send("grading-dlq", b"%d" % number, {})

    result = applied.gradectl("queue", "inspect", "grading-dlq", "--limit", "5", "-o", "json")

    assert result.code == 0, result.stderr
    assert len(result.document["messages"]) == result.document["seen"] == 5
    assert (result.document["size"], result.document["reason"]) == (30, "--limit")


def test_messages_are_counted_by_group_and_chosen_by_time_and_selector(applied: Any) -> None:
    """A queue with thousands of messages is understood by its groups."""
    broker = applied.open_broker()
    for number in range(9):
        code = {"x-gradectl-reason-code": "UNKNOWN_LANGUAGE" if number % 3 else "TIME"}
        broker.send("grading-dlq", b"{}", {**code, "priority": str(number % 2 + 4)})
    inspect = ("queue", "inspect", "grading-dlq", "-o", "json")

    groups = applied.gradectl(*inspect, "--group-by", "reason")
    recent = applied.gradectl(*inspect, "--since", "1h")
    urgent = applied.gradectl(*inspect, "--selector", "JMSPriority = 5")
    wrong = applied.gradectl(*inspect, "--selector", "JMSPriority >>> 5")

    assert groups.document["groups"] == [
        {"group": "UNKNOWN_LANGUAGE", "count": 6},
        {"group": "TIME", "count": 3},
    ]
    assert (recent.code, recent.document["matched"], recent.document["complete"]) == (0, 9, True)
    assert (urgent.code, urgent.document["matched"], urgent.document["complete"]) == (0, 4, True)
    assert wrong.code == 64, wrong.stderr
    assert "--selector" in wrong.stderr


def test_an_expression_over_headers_and_body_combines_with_the_other_options(applied: Any) -> None:
    """The whole queue is read, and the output has how many match."""
    broker = applied.open_broker()
    for number in range(9):
        code = {"x-gradectl-reason-code": "UNKNOWN_LANGUAGE" if number % 3 else "TIME"}
        body = json.dumps({"requestId": f"req_{number}", "number": number}).encode()
        broker.send("grading-dlq", body, {**code, "priority": str(number % 2 + 4)})
    broker.send("grading-dlq", b"\xff", {})
    inspect = ("queue", "inspect", "grading-dlq", "--where", "body.number > `3`")

    table = applied.gradectl(*inspect)
    matching = applied.gradectl(*inspect, "--since", "1h", "-o", "json")
    urgent = applied.gradectl(*inspect, "--selector", "JMSPriority = 5", "-o", "json")
    groups = applied.gradectl(*inspect, "--group-by", "reason", "-o", "json")
    none = applied.gradectl(*inspect[:-1], "body.none")
    wrong = applied.gradectl(*inspect[:-1], "body.number >")

    assert table.code == none.code == 0, table.stderr + none.stderr
    assert "seen 10 of 10 (complete); 5 match" in table.stdout
    assert "seen 10 of 10 (complete); 0 match" in none.stdout
    assert (matching.document["seen"], matching.document["matched"]) == (10, 5)
    assert {each["request_id"] for each in matching.document["messages"]} == {
        f"req_{number}" for number in range(4, 9)
    }
    assert {each["request_id"] for each in urgent.document["messages"]} == {"req_5", "req_7"}
    assert {each["group"]: each["count"] for each in groups.document["groups"]} == {
        "UNKNOWN_LANGUAGE": 4,
        "TIME": 1,
    }
    assert wrong.code == 64, wrong.stderr
    assert "--where" in wrong.stderr


@pytest.mark.parametrize(
    ("body", "encoding", "content"),
    [
        (b"\xff\x00", "base64", "/wA="),
        (b'{"score": NaN}', "text", '{"score": NaN}'),
        (b'{"name": "\\ud800"}', "json", {"name": "\ud800"}),
    ],
)
def test_any_body_is_valid_json_and_recoverable(
    applied: Any, body: bytes, encoding: str, content: object
) -> None:
    """Programs of other people parse this, and repair messages by it."""
    broker = applied.open_broker()
    broker.send("grading-dlq", body, {})
    (message,) = broker.inspector.browse("grading-dlq")
    inspect = ("queue", "inspect", "grading-dlq", "--id", message.message_id)

    shown = applied.gradectl(*inspect, "-o", "json")

    assert shown.code == 0, shown.stderr
    assert "NaN" not in shown.stdout.replace(json.dumps('{"score": NaN}'), "")
    found = json.loads(shown.stdout.encode())["message"]
    assert (found["body_encoding"], found["body"]) == (encoding, content)
    assert applied.gradectl(*inspect, "-o", "yaml").code == 0
    assert applied.gradectl(*inspect).code == 0


def test_a_megabyte_is_one_line(applied: Any) -> None:
    """It does not widen the table, and can be copied in one piece."""
    broker = applied.open_broker()
    broker.send("grading-dlq", b"x" * 1_000_000, {**REASON, "x-gradectl-reason": "y" * 5_000})
    (message,) = broker.inspector.browse("grading-dlq")

    listed = applied.gradectl("queue", "inspect", "grading-dlq")
    shown = applied.gradectl("queue", "inspect", "grading-dlq", "--id", message.message_id)

    assert max(map(len, listed.stdout.splitlines())) < 1_000
    lengths = sorted(map(len, shown.stdout.splitlines()))
    assert lengths[-1] == 1_000_000
    assert lengths[-2] < 3_000


@pytest.mark.parametrize("name", ["*", "", "a,b", "grading.>", "queue?x=1"])
def test_what_is_not_a_name_of_a_queue_is_a_mistake_in_the_command_line(
    applied: Any, name: str
) -> None:
    """The broker would read it as a pattern or a list, and find nothing."""
    result = applied.gradectl("queue", "inspect", name)

    assert result.code == 64
    assert "is not the name of a queue: a name has only letters" in result.stderr
    assert "next:    gradectl queue list" in result.stderr


def test_delayed_retries_are_shown_until_they_are_in_their_queue(applied: Any) -> None:
    """A retry waits in no queue, so neither its counters nor a browse have it."""
    request = b'{"requestId": "req_later"}'
    later = {"AMQ_SCHEDULED_DELAY": "3600000", "correlation-id": "req_later"}
    applied.open_broker().send("grading-requests", request, later)

    listed = applied.gradectl("queue", "list", "-o", "json")
    found = applied.gradectl("result", "req_later", "-o", "json")
    shown = applied.gradectl("result", "req_later")

    assert listed.code == 0, listed.stderr
    delayed = {each["queue"]: each["delayed"] for each in listed.document["queues"]}
    assert delayed == {"grading-requests": 1} | dict.fromkeys(
        ("grading-priority", "grading-results", "grading-dlq"), 0
    )
    assert found.code == 0, found.stderr
    assert found.document["state"].startswith("waits for its next attempt in ")
    assert 3_000 < found.document["messages"][0]["due_seconds"] <= 3_600
    assert "delayed, its next attempt is in 59m" in shown.stdout


def test_a_watched_list_repeats_with_rates(applied: Any) -> None:
    """Each round is a line of JSON, until --timeout."""
    watching = applied.start(
        *("--timeout", "20", "queue", "list", "--watch", "0.2", "--output", "json")
    )
    broker = applied.open_broker()
    documents = []
    while not documents or not documents[-1]["queues"][3]["in_per_second"]:
        broker.send("grading-dlq", b"", {})
        documents.append(json.loads(watching.stdout.readline()))
    watching.terminate()

    assert watching.wait() == 143
    assert documents[0]["queues"][3]["in_per_second"] is None
    assert documents[-1]["source"] == "broker"


class Noticing(io.StringIO):
    """Standard output that says when something was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        """Write, and say so."""
        count = super().write(text)
        self.written.set()
        return count


def test_ctrl_c_ends_a_watch_at_once(applied: Any) -> None:
    """Also in the middle of a pause of an hour."""
    out = Noticing()

    def interrupt() -> None:
        out.written.wait(SECONDS)
        os.kill(os.getpid(), signal.SIGINT)

    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    watch = ("queue", "list", "--watch", "3600", "-o", "json")
    done = in_process.run(applied.root, applied.environ(), *watch, out=out)
    interrupting.join()

    assert done.code == 130, done.stderr
    assert len(done.stdout.splitlines()) == 1


@pytest.mark.parametrize("arguments", [(), ("--message", "ID:none")])
def test_a_missing_queue_or_message_is_an_error_and_is_not_created(
    applied: Any, arguments: tuple[str, ...]
) -> None:
    """Inspecting must not create a queue."""
    queue = "grading-dlq" if arguments else "grading-dql"

    result = applied.gradectl("queue", "inspect", queue, *arguments)

    assert result.code == 1
    assert "next:" in result.stderr
    assert applied.open_broker().inspector.statistics(["grading-dql"]) == {}


def test_without_an_environment_the_error_lists_them(applied: Any) -> None:
    """No local stack is running, so there is no default."""
    result = applied.gradectl("queue", "list", GRADECTL_ENVIRONMENT="")

    assert result.code == 64
    assert "--environment" in result.stderr
    assert applied.name in result.stderr


def test_several_requests_are_looked_up_at_once(applied: Any) -> None:
    """A line each; exit code 1 when one of them is not found."""
    broker = applied.open_broker()
    for number in (1, 2):
        broker.send("grading-requests", b'{"requestId": "req_%d"}' % number, {})

    both = applied.gradectl("result", "req_1", "req_2", "req_1", "-o", "json")
    table = applied.gradectl("result", "req_1", "req_2")
    missing = applied.gradectl("result", "req_1", "req_none", "req_nil")

    schema = json.loads((ROOT / "docs" / "schemas" / "cli" / "results.json").read_text())
    jsonschema.validate(both.document, schema)
    assert [each["request_id"] for each in both.document["results"]] == ["req_1", "req_2"]
    assert {each["messages"][0]["queue"] for each in both.document["results"]} == {
        "grading-requests"
    }
    assert "0 of 2 requests" in table.stdout
    assert missing.code in (1, 69), missing.stderr
    assert "requests 'req_none', 'req_nil' not found" in missing.stderr
    assert "req_1" in missing.stdout


COMMANDS = (("queue", "list"), ("queue", "inspect", "grading-dlq"), ("smoke",), ("submit",))


def arguments_of(command: tuple[str, ...], applied: Any) -> tuple[str, ...]:
    """Return the complete arguments of a command."""
    if command == ("smoke",):
        return ("smoke", applied.name)
    if command == ("submit",):
        source = applied.root / "a.py"
        source.write_text("print(3)\n")
        case = "problems/sum/testcases/1.in"
        applied.client("s3").put_object(Bucket=applied.bucket, Key=case, Body=b"")
        return ("submit", "--problem", "sum", "--language", "python", str(source))
    return command


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_an_unreachable_broker_exits_with_69_and_nothing_is_stored(
    applied: Any, command: tuple[str, ...]
) -> None:
    """The error has the address and a next step."""
    (port,) = free_ports(1)
    applied.set_parameter("mq/broker-endpoint", f"stomp+ssl://localhost:{port}")

    result = applied.gradectl(*arguments_of(command, applied))

    assert result.code == 69
    assert f"stomp+ssl://localhost:{port}" in result.stderr
    assert "next:" in result.stderr
    assert not [
        key for key in applied.stored() if key.startswith(("submissions/", "problems/smoke"))
    ]


def test_an_unreachable_environment_is_a_failed_run_of_a_canary(applied: Any) -> None:
    """With the reason as a line and as a metric; the exit code is that of a failed check."""
    (port,) = free_ports(1)
    applied.set_parameter("mq/broker-endpoint", f"stomp+ssl://localhost:{port}")

    result = applied.gradectl(
        *("smoke", applied.name, "--every", "1s", "--until", "1s", "--metric", "-o", "json")
    )

    assert result.code == 4, result.stderr
    run, total = (json.loads(line) for line in result.stdout.splitlines())
    assert (run["passed"], run["hop"]) == (False, "connect")
    assert f"localhost:{port}: the broker does not answer" in run["reason"]
    assert (total["runs"], total["failed"]) == (1, 1)
    assert "1 of 1 runs failed" in result.stderr
    namespace = f"gradectl/{applied.name}-grading"
    put = applied.client("cloudwatch").list_metrics(Namespace=namespace)["Metrics"]
    assert [each["MetricName"] for each in put] == ["SmokeFailed"]


def test_a_smoke_test_that_cannot_begin_is_an_error_in_its_report(applied: Any) -> None:
    """A pipeline reads the reason there; the password is not in it."""
    applied.set_parameter("mq/password", "a-Wrong-password-1")
    report = applied.root / "smoke.xml"

    result = applied.gradectl("smoke", applied.name, "--junit", str(report))

    assert result.code == 77
    (error,) = ET.parse(report).getroot().iter("error")
    assert "grader" in error.get("message", "")
    assert "a-Wrong-password-1" not in report.read_text()


def test_a_dry_run_of_a_smoke_test_sends_nothing(applied: Any) -> None:
    """It says what would be sent."""
    result = applied.gradectl(
        *("smoke", applied.name, "--dry-run", "--count", "3", "--check", "poison", "-o", "json")
    )

    assert result.code == 0, result.stderr
    assert result.document["dry_run"] is True
    assert "3 test jobs, one after the other, to each request queue" in result.document["message"]
    assert "would check poison" in result.document["message"]
    assert applied.stored() == []


@pytest.mark.parametrize(
    ("arguments", "where"),
    [
        (("--until", "2h"), "--until"),
        (("--every", "often"), "--every"),
        (("--every", "5m", "--junit", "smoke.xml"), "--junit"),
        (("--junit", "missing/smoke.xml"), "missing/smoke.xml"),
        (("--count", "0"), "--count"),
        (("--count", "1001"), "--count"),
        (("--check", "everything"), "--check"),
    ],
)
def test_wrong_options_of_a_smoke_test_are_told_before_anything_is_sent(
    applied: Any, arguments: tuple[str, ...], where: str
) -> None:
    """With the option, and exit code 64."""
    result = applied.gradectl("smoke", applied.name, *arguments)

    assert result.code == 64
    assert where in result.stderr
    assert applied.stored() == []


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_wrong_password_exits_with_77_and_is_not_shown(
    applied: Any, command: tuple[str, ...]
) -> None:
    """The error names the user and the parameter."""
    applied.set_parameter("mq/password", "a-Wrong-password-1")

    result = applied.gradectl(*arguments_of(command, applied))

    assert result.code == 77
    assert "grader" in result.stderr
    assert "a-Wrong-password-1" not in result.stdout + result.stderr
    assert "mq/password" in result.stderr


def test_an_untrusted_certificate_exits_with_78(applied: Any, tmp_path: Path) -> None:
    """The next step is to set SSL_CERT_FILE."""
    other_ca = make_certificates(tmp_path, "localhost").ca_file

    result = applied.gradectl("queue", "list", SSL_CERT_FILE=str(other_ca))

    assert result.code == 78
    assert "certificate" in result.stderr
    assert "SSL_CERT_FILE" in result.stderr


def test_a_stack_that_is_not_running_exits_with_69(applied: Any) -> None:
    """The next step is gradectl local up."""
    result = applied.gradectl("queue", "list", AWS_ENDPOINT_URL="")

    assert result.code == 69
    assert "gradectl local up" in result.stderr


def test_missing_parameters_exit_with_78(applied: Any) -> None:
    """The error lists all of them."""
    names = [f"/{applied.name}/mq/{key}" for key in ("broker-endpoint", "username", "password")]
    applied.client("ssm").delete_parameters(Names=names)

    result = applied.gradectl("queue", "list")

    assert result.code == 78
    assert all(name in result.stderr for name in names)


@pytest.mark.parametrize(
    "arguments",
    [
        ("result", "req_1"),
        ("problem", "push", "examples/problems/sum"),
        ("submit", "-p", "sum", "-l", "python", "examples/submissions/sum/accepted.py"),
    ],
)
def test_a_missing_bucket_exits_with_78(applied: Any, arguments: tuple[str, ...]) -> None:
    """The next step is gradectl apply."""
    applied.client("s3").delete_bucket(Bucket=applied.bucket)

    result = applied.gradectl(*(str(ROOT / each) if "/" in each else each for each in arguments))

    assert result.code == 78
    assert "s3://" in result.stderr
    assert f"next:    gradectl apply {applied.name}" in result.stderr


def test_a_smoke_test_without_workers_exits_with_4_and_leaves_nothing(applied: Any) -> None:
    """It names the hop and the next command, and removes its messages."""

    def expire(waiting: Held) -> None:
        waiting.arrived.wait(SECONDS)
        os.kill(os.getpid(), signal.SIGALRM)  # what the timer of --timeout sends
        waiting.pass_on()

    with HttpRelay(applied.endpoint_url).running() as relay:
        timer = threading.Thread(target=expire, args=[relay.hold("GET", "results/smoke-")])
        timer.start()
        result = applied.gradectl(
            *("--timeout", str(2 * SECONDS), "smoke", applied.name, "--output", "json"),
            AWS_ENDPOINT_URL=relay.url,
        )
        timer.join()

    assert result.code == 4, result.stderr
    assert result.document["passed"] is False
    assert result.document["probes"][0]["failed_hop"] == "queue and grade"
    assert f"gradectl queue list -e {applied.name}" in result.stderr
    assert not [each for each in result.document["left_behind"] if "rows" not in each]
    assert applied.stored() == []
    statistics = applied.open_broker().inspector.statistics(["grading-requests", "grading-dlq"])
    assert [each.size for each in statistics.values()] == [0, 0]
