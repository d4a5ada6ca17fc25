"""`gradectl queue`, and what every command says when the broker cannot be reached."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gradectl.local.engines.tls import make_certificates
from gradectl.local.loopback import free_ports
from grader.adapters.activemq.connection import connect

pytestmark = pytest.mark.engine
ROOT = Path(__file__).resolve().parents[3]

REASON = {
    "x-gradectl-reason-code": "UNKNOWN_LANGUAGE",
    "x-gradectl-reason": "unknown language 'ruby'",
    "x-gradectl-original-queue": "grading-requests",
}
ANYTHING = b'{"requestId": "req_1", "note": "\\u001b[31mred"}'


@pytest.fixture
def applied(make_applied: Callable[[], Any]) -> Iterator[Any]:
    """An environment without workers; its queues are empty again after each test."""
    made = make_applied()
    yield made
    running = made.broker
    made.stack.close()
    connection = connect(
        [running.endpoint], running.user, running.password, ca_file=running.ca_file
    )
    for queue in ("requests", "priority", "results", "dlq"):
        connection.subscribe(f"grading-{queue}")
    while (frame := connection.next_frame(0.3)) is not None:
        connection.ack(frame)
    connection.close()


def test_list_counts_and_says_what_looks_wrong(applied: Any) -> None:
    """The table is for people: counts, and where to look next."""
    broker = applied.open_broker()
    for _ in range(3):
        broker.send("grading-requests", b"{}", {})
    broker.send("grading-dlq", ANYTHING, REASON)

    said = applied.gradectl("queue", "list")

    assert said.code == 0, said.stderr
    assert "grading-requests" in said.stdout
    hint = "grading-requests: 0 consumers and 3 waiting: no worker listens: gradectl local status"
    assert hint in said.stderr
    assert f"gradectl queue inspect grading-dlq -e {applied.name}" in said.stderr


def test_list_gives_programs_the_same(applied: Any) -> None:
    """Every counter, with the hint apart from its next step."""
    applied.open_broker().send("grading-dlq", ANYTHING, REASON)

    said = applied.gradectl("queue", "list", "--output", "json")

    assert said.code == 0, said.stderr
    assert said.document["kind"] == "queue-list"
    queues = {each["queue"]: each for each in said.document["queues"]}
    assert list(queues) == [
        f"grading-{word}" for word in ("requests", "priority", "results", "dlq")
    ]
    dead = queues["grading-dlq"]
    assert (dead["exists"], dead["size"], dead["waiting"], dead["in_flight"]) == (True, 1, 1, 0)
    assert dead["oldest_seconds"] >= 0
    assert dead["next"].startswith("gradectl queue inspect grading-dlq")


def test_inspect_shows_the_reasons_of_dead_letters_and_changes_nothing(applied: Any) -> None:
    """Twice the same answer, always with how many of how many were seen."""
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
    """A message cannot paint the operator's terminal."""
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


def test_inspect_with_a_limit_says_that_there_are_more(applied: Any) -> None:
    """It is not called incomplete, for it is what was asked for."""
    broker = applied.open_broker()
    for number in range(30):
        broker.send("grading-dlq", b"%d" % number, {})

    said = applied.gradectl("queue", "inspect", "grading-dlq", "--limit", "5", "-o", "json")

    assert said.code == 0, said.stderr
    assert len(said.document["messages"]) == 5
    assert said.document["size"] == 30


@pytest.mark.parametrize("arguments", [(), ("--message", "ID:none")])
def test_what_does_not_exist_is_an_error_and_is_not_made(
    applied: Any, arguments: tuple[str, ...]
) -> None:
    """A queue by that name must not exist afterwards, only because somebody looked."""
    queue = "grading-dlq" if arguments else "grading-dql"

    said = applied.gradectl("queue", "inspect", queue, *arguments)

    assert said.code == 1
    assert "next:" in said.stderr
    assert applied.open_broker().inspector.statistics(["grading-dql"]) == {}


def test_without_an_environment_it_is_said_which_there_are(applied: Any) -> None:
    """No stack runs here, so none can be guessed."""
    said = applied.gradectl("queue", "list", GRADECTL_ENVIRONMENT="")

    assert said.code == 64
    assert "--environment" in said.stderr
    assert applied.name in said.stderr


COMMANDS = (("queue", "list"), ("queue", "inspect", "grading-dlq"), ("smoke",), ("submit",))


def arguments_of(command: tuple[str, ...], applied: Any) -> tuple[str, ...]:
    """Complete a command line."""
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
def test_a_broker_that_is_down_is_69_and_nothing_is_stored(
    applied: Any, command: tuple[str, ...]
) -> None:
    """It says which address does not answer and what to look at."""
    (port,) = free_ports(1)
    applied.set_parameter("mq/broker-endpoint", f"stomp+ssl://localhost:{port}")

    said = applied.gradectl(*arguments_of(command, applied))

    assert said.code == 69
    assert f"stomp+ssl://localhost:{port}" in said.stderr
    assert "next:" in said.stderr
    assert not [
        key for key in applied.stored() if key.startswith(("submissions/", "problems/smoke"))
    ]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_wrong_password_is_77_and_is_not_shown(applied: Any, command: tuple[str, ...]) -> None:
    """The user is named, the password never."""
    applied.set_parameter("mq/password", "a-Wrong-password-1")

    said = applied.gradectl(*arguments_of(command, applied))

    assert said.code == 77
    assert "grader" in said.stderr
    assert "a-Wrong-password-1" not in said.stdout + said.stderr
    assert "mq/password" in said.stderr


def test_a_certificate_that_is_not_trusted_is_78(applied: Any, tmp_path: Path) -> None:
    """Nobody is told to switch the check off."""
    stranger = make_certificates(tmp_path, "localhost").ca_file

    said = applied.gradectl("queue", "list", SSL_CERT_FILE=str(stranger))

    assert said.code == 78
    assert "certificate" in said.stderr
    assert "SSL_CERT_FILE" in said.stderr


def test_a_stack_that_does_not_run_is_69_and_leads_to_local_up(applied: Any) -> None:
    """An emulated environment has no other account to ask."""
    said = applied.gradectl("queue", "list", AWS_ENDPOINT_URL="")

    assert said.code == 69
    assert "gradectl local up" in said.stderr


def test_an_environment_that_was_not_applied_is_78_and_names_the_parameters(applied: Any) -> None:
    """All missing ones at once."""
    names = [f"/{applied.name}/mq/{key}" for key in ("broker-endpoint", "username", "password")]
    applied.client("ssm").delete_parameters(Names=names)

    said = applied.gradectl("queue", "list")

    assert said.code == 78
    assert all(name in said.stderr for name in names)


@pytest.mark.parametrize(
    "words",
    [
        ("result", "req_1"),
        ("problem", "push", "examples/problems/sum"),
        ("submit", "-p", "sum", "-l", "python", "examples/submissions/sum/accepted.py"),
    ],
)
def test_an_environment_without_its_bucket_is_78_and_leads_to_apply(
    applied: Any, words: tuple[str, ...]
) -> None:
    """It is the first thing that somebody meets who forgot to apply."""
    applied.client("s3").delete_bucket(Bucket=applied.bucket)

    said = applied.gradectl(*(str(ROOT / word) if "/" in word else word for word in words))

    assert said.code == 78
    assert "s3://" in said.stderr
    assert f"next:    gradectl apply {applied.name}" in said.stderr


def test_a_smoke_test_without_workers_is_4_and_leaves_nothing(applied: Any) -> None:
    """It names the hop and the next command, and takes its messages back."""
    said = applied.gradectl("--timeout", "3", "smoke", applied.name, "--output", "json")

    assert said.code == 4, said.stderr
    assert said.document["passed"] is False
    assert said.document["probes"][0]["failed_hop"] == "queue and grade"
    assert f"gradectl queue list -e {applied.name}" in said.stderr
    assert applied.stored() == []
    statistics = applied.open_broker().inspector.statistics(["grading-requests", "grading-dlq"])
    assert [each.size for each in statistics.values()] == [0, 0]
